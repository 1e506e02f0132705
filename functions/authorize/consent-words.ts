import type { InEachLanguage } from '../shared/pages/language.ts';

/** The words of the consent page. What is between `before` and `after` is shown in bold. */
interface ConsentWords {
  readonly title: (app: string) => string;
  readonly changed: string;
  readonly wants: readonly [before: string, between: string, after: string];
  readonly what: string;
  readonly inDetail: (kinds: number) => string;
  readonly sensitive: string;
  readonly untilWhen: string;
  readonly until: readonly [before: string, after: string];
  readonly keepsReading: string;
  readonly readsOnce: readonly [before: string, after: string];
  readonly howToStop: string;
  readonly stop: (app: string, payer: string) => string;
  readonly stopHere: string;
  readonly stays: (app: string) => string;
  readonly privacyOf: (app: string) => string;
  readonly next: (payer: string, gateway: string, returnTo: string) => string;
  readonly allow: string;
  readonly deny: string;
}

export const consentWords: InEachLanguage<ConsentWords> = {
  en: {
    title: (app) => `Share your health record with ${app}?`,
    changed: 'Something has changed since you opened this page. Please read it again.',
    wants: ['', ' wants to read your health record at ', '.'],
    what: 'What it can read',
    inDetail: (kinds) => `All ${kinds} kinds of data`,
    sensitive: 'This can include sensitive details, such as mental health, substance use, HIV or pregnancy.',
    untilWhen: 'Until when',
    until: ['Until ', ' at the latest.'],
    keepsReading: 'It can keep reading until then, even when you are signed out.',
    readsOnce: ['It can read for ', ' after you sign in. To read again, it must ask you again.'],
    howToStop: 'How to stop it',
    stop: (app, payer) => `You can stop it at any time: in ${app}, at ${payer}, or by asking us.`,
    stopHere: 'You can stop it here',
    stays: (app) => `What ${app} has already read stays there.`,
    privacyOf: (app) => `Privacy policy of ${app}`,
    next: (payer, gateway, returnTo) =>
      `If you allow it, ${payer} asks you to sign in, and then asks a second question: whether we, ${gateway}, may read. Then you return to ${returnTo}.`,
    allow: 'Allow',
    deny: 'Do not allow',
  },
  es: {
    title: (app) => `¿Compartir su expediente médico con ${app}?`,
    changed: 'Algo ha cambiado desde que usted abrió esta página. Por favor, léala de nuevo.',
    wants: ['', ' quiere leer su expediente médico en ', '.'],
    what: 'Qué puede leer',
    inDetail: (kinds) => `Los ${kinds} tipos de datos`,
    sensitive: 'Esto puede incluir datos delicados, como salud mental, consumo de sustancias, VIH o embarazo.',
    untilWhen: 'Hasta cuándo',
    until: ['Hasta el ', ' a más tardar.'],
    keepsReading: 'Puede seguir leyendo hasta entonces, aunque usted haya cerrado la sesión.',
    readsOnce: [
      'Puede leer durante ',
      ' después de que usted inicie sesión. Para volver a leer, tendrá que pedírselo otra vez.',
    ],
    howToStop: 'Cómo detenerlo',
    stop: (app, payer) => `Puede detenerlo en cualquier momento: en ${app}, en ${payer} o pidiéndonoslo.`,
    stopHere: 'Puede detenerlo aquí',
    stays: (app) => `Lo que ${app} ya haya leído se queda ahí.`,
    privacyOf: (app) => `Política de privacidad de ${app}`,
    next: (payer, gateway, returnTo) =>
      `Si lo permite, ${payer} le pedirá que inicie sesión y después le hará una segunda pregunta: si nosotros, ${gateway}, podemos leer. Después regresará a ${returnTo}.`,
    allow: 'Permitir',
    deny: 'No permitir',
  },
};
