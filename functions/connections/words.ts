import type { InEachLanguage } from '../shared/pages/language.ts';
import type { Notice } from './fields.ts';

/** The words of the page. What is between `before` and `after` is shown in bold. */
interface ConnectionsWords {
  readonly title: (payer: string) => string;
  readonly what: (payer: string) => string;
  readonly how: (payer: string, gateway: string) => string;
  readonly signIn: (payer: string) => string;
  readonly cannotShow: (payer: string) => string;
  readonly whatToDo: (payer: string) => string;
  readonly notices: Readonly<Record<Notice, (payer: string) => string>>;
  readonly reference: string;
  readonly none: (payer: string) => string;
  readonly canRead: string;
  readonly inDetail: (kinds: number) => string;
  readonly since: string;
  readonly until: string;
  readonly lastToken: string;
  readonly noToken: string;
  readonly blocked: string;
  readonly unregistered: string;
  readonly copy: string;
  readonly copying: (resources: string) => string;
  readonly copied: (until: string) => string;
  readonly unknown: string;
  readonly stop: (app: string) => string;
  readonly stopAll: (count: number) => string;
  readonly whatStopDoes: string;
  readonly atOnce: string;
  readonly stays: string;
  readonly elsewhere: (payer: string) => string;
  readonly older: string;
  readonly underWay: (minutes: number) => string;
  readonly nowStopped: string;
  readonly stopped: string;
  readonly receipt: readonly [before: string, between: string, after: string];
  readonly keepIt: string;
  readonly session: (until: string) => string;
  readonly signOut: string;
}

export const connectionsWords: InEachLanguage<ConnectionsWords> = {
  en: {
    title: (payer) => `Apps that may read your record at ${payer}`,
    what: (payer) =>
      `Sign in at ${payer} to see which apps may read your health record there through us, and to stop them.`,
    how: (payer, gateway) =>
      `${payer} may ask whether we, ${gateway}, may have access. We use your sign-in only to learn which record is yours. We read nothing else, and throw the access away.`,
    signIn: (payer) => `Sign in at ${payer}`,
    cannotShow: (payer) =>
      `${payer} does not tell us whose record an app may read. So we cannot show which apps may read yours.`,
    whatToDo: (payer) => `To stop an app, disconnect ${payer} in the app itself, or ask ${payer}.`,
    notices: {
      again: () => 'You are not signed in here, or no longer. Please sign in again. Nothing was changed.',
      denied: (payer) => `You did not finish the sign-in at ${payer}. Nothing was changed.`,
      failed: (payer) => `${payer} could not complete the sign-in. Please try again later. Nothing was changed.`,
      gone: () =>
        'Nothing was changed: that button was already used, or the page was out of date. This is how it is now.',
      left: () => 'Not every app could be stopped. The ones below may still read. Please try again.',
      signedOut: () => 'You are signed out here. You may still be signed in at your health plan.',
      unavailable: (payer) => `${payer} cannot be reached at the moment. Please try again in a moment.`,
    },
    reference: 'Reference',
    none: (payer) => `We found no app that may read your record at ${payer} through us.`,
    canRead: 'Can read',
    inDetail: (kinds) => `All ${kinds} kinds of data`,
    since: 'Since',
    until: 'Until',
    lastToken: 'Last asked for access',
    noToken: 'not yet: it is being connected now',
    blocked: 'We have blocked this app. It cannot read anything at the moment.',
    unregistered: 'This app is no longer registered with us, so it cannot read anything.',
    copy: 'Whole record',
    copying: (resources) => `It is being copied now: ${resources} entries so far.`,
    copied: (until) => `A copy is ready. The app can download it until ${until}.`,
    unknown: 'unknown',
    stop: (app) => `Stop ${app}`,
    stopAll: (count) => `Stop all ${count} apps`,
    whatStopDoes: 'What stopping does',
    atOnce:
      'What is shown here for the app ends at that moment, and a copy under way too. If you connect the app again, it can read again.',
    stays: 'What it has already read stays with it. Ask the app to delete it.',
    elsewhere: (payer) =>
      `Apps that read at ${payer} directly, without us, are not shown here. ${payer} itself may list us among your connected apps, and you can end our access there too.`,
    older:
      'An app that was connected before this page existed may be missing. You can disconnect it in the app itself.',
    underWay: (minutes) =>
      `An app whose sign-in is under way can still appear here for ${minutes} minutes. Reload the page to see it.`,
    nowStopped: 'Stopped',
    stopped: 'Stopped by you before',
    receipt: ['The access of ', ' was stopped on ', '.'],
    keepIt: 'Please keep this: save or print the page.',
    session: (until) => `You are signed in on this page until ${until}.`,
    signOut: 'Sign out',
  },
  es: {
    title: (payer) => `Aplicaciones que pueden leer su expediente en ${payer}`,
    what: (payer) =>
      `Inicie sesión en ${payer} para ver qué aplicaciones pueden leer allí su expediente médico a través de nosotros, y para detenerlas.`,
    how: (payer, gateway) =>
      `${payer} puede preguntarle si nosotros, ${gateway}, podemos tener acceso. Usamos su inicio de sesión solo para saber cuál es su expediente. No leemos nada más y desechamos el acceso.`,
    signIn: (payer) => `Iniciar sesión en ${payer}`,
    cannotShow: (payer) =>
      `${payer} no nos dice de quién es el expediente que una aplicación puede leer. Por eso no podemos mostrar qué aplicaciones pueden leer el suyo.`,
    whatToDo: (payer) =>
      `Para detener una aplicación, desconecte ${payer} en la propia aplicación o pregunte en ${payer}.`,
    notices: {
      again: () => 'Usted no ha iniciado sesión aquí, o ya no. Por favor, iníciela de nuevo. No se cambió nada.',
      denied: (payer) => `Usted no terminó de iniciar sesión en ${payer}. No se cambió nada.`,
      failed: (payer) =>
        `${payer} no pudo completar el inicio de sesión. Por favor, inténtelo más tarde. No se cambió nada.`,
      gone: () =>
        'No se cambió nada: ese botón ya se había usado, o la página no estaba al día. Así están las cosas ahora.',
      left: () =>
        'No se pudieron detener todas las aplicaciones. Las siguientes aún pueden leer. Por favor, inténtelo de nuevo.',
      signedOut: () => 'Usted cerró la sesión aquí. Es posible que siga abierta en su plan de salud.',
      unavailable: (payer) => `No se puede acceder a ${payer} en este momento. Por favor, inténtelo en un momento.`,
    },
    reference: 'Referencia',
    none: (payer) => `No encontramos ninguna aplicación que pueda leer su expediente en ${payer} a través de nosotros.`,
    canRead: 'Puede leer',
    inDetail: (kinds) => `Los ${kinds} tipos de datos`,
    since: 'Desde',
    until: 'Hasta',
    lastToken: 'Pidió acceso por última vez',
    noToken: 'todavía no: se está conectando ahora',
    blocked: 'Hemos bloqueado esta aplicación: por el momento no puede leer nada.',
    unregistered: 'Esta aplicación ya no está registrada con nosotros: no puede leer nada.',
    copy: 'Expediente completo',
    copying: (resources) => `Se está copiando ahora: ${resources} elementos hasta el momento.`,
    copied: (until) => `Hay una copia lista. La aplicación puede descargarla hasta el ${until}.`,
    unknown: 'no se sabe',
    stop: (app) => `Detener ${app}`,
    stopAll: (count) => `Detener las ${count} aplicaciones`,
    whatStopDoes: 'Qué pasa al detener',
    atOnce:
      'En ese momento termina lo que aquí se muestra de la aplicación, también una copia en curso. Si usted vuelve a conectarla, podrá leer de nuevo.',
    stays: 'Lo que ya haya leído se queda con ella. Pídale a la aplicación que lo borre.',
    elsewhere: (payer) =>
      `Aquí no aparecen las aplicaciones que leen directamente en ${payer}, sin nosotros. Es posible que ${payer} nos muestre entre sus aplicaciones conectadas; también allí puede terminar nuestro acceso.`,
    older:
      'Puede faltar una aplicación que se conectó antes de que existiera esta página. Puede desconectarla en la propia aplicación.',
    underWay: (minutes) =>
      `Una aplicación cuyo inicio de sesión está en curso aún puede aparecer aquí durante ${minutes} minutos. Vuelva a cargar la página para verla.`,
    nowStopped: 'Detenido',
    stopped: 'Lo que usted detuvo antes',
    receipt: ['El acceso de ', ' se detuvo el ', '.'],
    keepIt: 'Conserve esto: guarde o imprima la página.',
    session: (until) => `Su sesión en esta página dura hasta el ${until}.`,
    signOut: 'Cerrar la sesión',
  },
};
