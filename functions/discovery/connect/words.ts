import type { InEachLanguage } from '../../shared/pages/language.ts';

/** The words of the search, which its script needs too. `{n}` is a number. */
interface CountWords {
  readonly begin: string;
  readonly none: string;
  readonly one: string;
  readonly many: string;
  /** More were found than are shown. */
  readonly more: string;
  readonly failed: string;
}

interface ConnectWords {
  readonly title: string;
  readonly asks: (app: string) => string;
  readonly label: string;
  readonly hint: string;
  readonly search: string;
  readonly plans: string;
  readonly tooLong: (most: number) => string;
  readonly counts: CountWords;
  readonly also: string;
  readonly members: string;
  readonly unavailable: string;
  readonly goBackTo: (app: string) => string;
  readonly noPlanIsConnected: string;
  /** The step after the choice. */
  readonly stepTitle: (payer: string) => string;
  readonly reads: (app: string, payer: string) => string;
  readonly until: (date: string) => string;
  readonly onlyMembersOf: (plans: string) => string;
  readonly next: (payer: string) => string;
  readonly goOn: (payer: string) => string;
  readonly chooseAnother: string;
  readonly pausedTitle: (payer: string) => string;
  readonly paused: string;
}

export const connectWords: InEachLanguage<ConnectWords> = {
  en: {
    title: 'Find your old health plan',
    asks: (app) => `${app} asks for your health record. Choose the plan that has it.`,
    label: 'Name of your old health plan',
    hint: 'As it stands on your member card. A payer ID works too.',
    search: 'Search',
    plans: 'Health plans',
    tooLong: (most) => `That is too long. Write at most ${most} characters of the name.`,
    counts: {
      begin: 'Type the name. {n} health plans can be found here.',
      none: 'No health plan of this name can be found here. Check the spelling, or try another name of your plan.',
      one: '1 health plan found.',
      many: '{n} health plans found.',
      more: '{n} health plans found. These fit best. Type more of the name to see others.',
      failed: 'The search does not answer. Press Search to try again.',
    },
    also: 'Also known as',
    members: 'For members of',
    unavailable: 'Not available right now',
    goBackTo: (app) => `Go back to ${app}`,
    noPlanIsConnected: 'No health plan is connected to this app yet.',
    stepTitle: (payer) => `Get your record from ${payer}`,
    reads: (app, payer) => `${app} will read this from your record at ${payer}:`,
    until: (date) => `It can read your record until ${date} at the latest.`,
    onlyMembersOf: (plans) => `This works for members of: ${plans}.`,
    next: (payer) => `Next, ${payer} will ask you to sign in. Nothing is shared before that.`,
    goOn: (payer) => `Continue to ${payer}`,
    chooseAnother: 'Choose another plan',
    pausedTitle: (payer) => `${payer} is not available right now`,
    paused: 'We have paused the connection to this health plan. Nothing was shared. Please try again later.',
  },
  es: {
    title: 'Encuentre su plan de salud anterior',
    asks: (app) => `${app} pide su expediente médico. Elija el plan que lo tiene.`,
    label: 'Nombre de su plan de salud anterior',
    hint: 'Como aparece en su tarjeta de miembro. También sirve el identificador del pagador (payer ID).',
    search: 'Buscar',
    plans: 'Planes de salud',
    tooLong: (most) => `Es demasiado largo. Escriba como máximo ${most} caracteres del nombre.`,
    counts: {
      begin: 'Escriba el nombre. Aquí se pueden encontrar {n} planes de salud.',
      none: 'Aquí no hay ningún plan de salud con ese nombre. Revise cómo lo escribió o pruebe con otro nombre de su plan.',
      one: 'Se encontró 1 plan de salud.',
      many: 'Se encontraron {n} planes de salud.',
      more: 'Se encontraron {n} planes de salud. Estos son los más parecidos. Escriba más del nombre para ver otros.',
      failed: 'La búsqueda no responde. Presione Buscar para intentarlo de nuevo.',
    },
    also: 'También conocido como',
    members: 'Para miembros de',
    unavailable: 'No disponible por ahora',
    goBackTo: (app) => `Regresar a ${app}`,
    noPlanIsConnected: 'Todavía no hay ningún plan de salud conectado a esta aplicación.',
    stepTitle: (payer) => `Obtener su expediente de ${payer}`,
    reads: (app, payer) => `${app} leerá esto de su expediente en ${payer}:`,
    until: (date) => `Podrá leer su expediente como máximo hasta el ${date}.`,
    onlyMembersOf: (plans) => `Esto funciona para miembros de: ${plans}.`,
    next: (payer) => `Después, ${payer} le pedirá que inicie sesión. Antes de eso no se comparte nada.`,
    goOn: (payer) => `Continuar a ${payer}`,
    chooseAnother: 'Elegir otro plan',
    pausedTitle: (payer) => `${payer} no está disponible por ahora`,
    paused: 'Pausamos la conexión con este plan de salud. No se compartió nada. Intente de nuevo más tarde.',
  },
};
