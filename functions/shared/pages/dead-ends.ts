import type { DeadEnd } from '../errors.ts';
import type { InEachLanguage } from './language.ts';

/** What a member reads where the gateway can go no further and may not send the browser back. */
interface DeadEndWords {
  readonly title: string;
  /** What happened. */
  readonly what: string;
  /** What to do. */
  readonly next: string;
}

const nothingShared = {
  en: 'Nothing was shared.',
  es: 'No se compartió nada.',
};

const startAgain = {
  en: 'Go back to the app and start again.',
  es: 'Regrese a la aplicación y empiece de nuevo.',
};

const tellTheApp = {
  en: 'You did nothing wrong: the app has to be corrected. Please tell the people who make it.',
  es: 'Usted no hizo nada mal: hay que corregir la aplicación. Avise a quienes la hacen.',
};

const doesNotWork = { en: 'This link does not work', es: 'Este enlace no funciona' };

/** The words of each dead end. An error's `page` says which one it is; otherwise its code decides. */
export const deadEnds: Readonly<Record<DeadEnd, InEachLanguage<DeadEndWords>>> = {
  brokenLink: {
    en: {
      title: doesNotWork.en,
      what: 'The app sent something that cannot be read here.',
      next: `${nothingShared.en} ${tellTheApp.en}`,
    },
    es: {
      title: doesNotWork.es,
      what: 'La aplicación envió algo que aquí no se puede leer.',
      next: `${nothingShared.es} ${tellTheApp.es}`,
    },
  },
  unknownPlan: {
    en: {
      title: doesNotWork.en,
      what: 'There is no such health plan here.',
      next: 'Go back to the app and choose your health plan again.',
    },
    es: {
      title: doesNotWork.es,
      what: 'Aquí no existe ese plan de salud.',
      next: 'Regrese a la aplicación y elija de nuevo su plan de salud.',
    },
  },
  unknownApp: {
    en: {
      title: doesNotWork.en,
      what: 'The app that sent you here is not registered with us.',
      next: `${nothingShared.en} If you trust the app, please tell the people who make it.`,
    },
    es: {
      title: doesNotWork.es,
      what: 'La aplicación que le envió aquí no está registrada con nosotros.',
      next: `${nothingShared.es} Si confía en la aplicación, avise a quienes la hacen.`,
    },
  },
  unregisteredReturn: {
    en: {
      title: doesNotWork.en,
      what: 'The app asked us to send you to an address that is not registered for it, so we stopped.',
      next: `${nothingShared.en} If you trust the app, please tell the people who make it.`,
    },
    es: {
      title: doesNotWork.es,
      what: 'La aplicación nos pidió enviarle a una dirección que no está registrada para ella, así que nos detuvimos.',
      next: `${nothingShared.es} Si confía en la aplicación, avise a quienes la hacen.`,
    },
  },
  blockedApp: {
    en: {
      title: 'This app cannot be used here',
      what: 'We have blocked this app.',
      next: `${nothingShared.en} If you have questions, please ask for help.`,
    },
    es: {
      title: 'Esta aplicación no se puede usar aquí',
      what: 'Hemos bloqueado esta aplicación.',
      next: `${nothingShared.es} Si tiene preguntas, pida ayuda.`,
    },
  },
  appGone: {
    en: {
      title: 'This app cannot be used here',
      what: 'The app that you came from is no longer registered.',
      next: `${nothingShared.en} If you have questions, please ask for help.`,
    },
    es: {
      title: 'Esta aplicación no se puede usar aquí',
      what: 'La aplicación de la que vino ya no está registrada.',
      next: `${nothingShared.es} Si tiene preguntas, pida ayuda.`,
    },
  },
  wrongMethod: {
    en: {
      title: 'This address cannot be used that way',
      what: 'Your browser opened this address in a way that does not work.',
      next: startAgain.en,
    },
    es: {
      title: 'Esta dirección no se puede usar así',
      what: 'Su navegador la pidió de una manera que no tiene respuesta.',
      next: startAgain.es,
    },
  },
  openedAhead: {
    en: {
      title: 'Please open this page again',
      what: 'Your browser asked for this page before you did.',
      next: 'Please open it again.',
    },
    es: {
      title: 'Abra de nuevo esta página',
      what: 'Su navegador pidió esta página antes que usted.',
      next: 'Ábrala de nuevo.',
    },
  },
  embedded: {
    en: {
      title: 'Please open this page in its own window',
      what: 'Another page tried to show this sign-in inside itself.',
      next: `${nothingShared.en} ${startAgain.en}`,
    },
    es: {
      title: 'Abra esta página en su propia ventana',
      what: 'Otra página intentó mostrar este inicio de sesión dentro de sí misma.',
      next: `${nothingShared.es} ${startAgain.es}`,
    },
  },
  notBegunHere: {
    en: {
      title: doesNotWork.en,
      what: 'This sign-in is not one that began here.',
      next: `${nothingShared.en} ${startAgain.en}`,
    },
    es: {
      title: doesNotWork.es,
      what: 'Este inicio de sesión no empezó aquí.',
      next: `${nothingShared.es} ${startAgain.es}`,
    },
  },
  wrongAnswer: {
    en: {
      title: 'This sign-in was stopped',
      what: 'The answer did not come from the health plan that was asked.',
      next: `${nothingShared.en} ${startAgain.en} If it happens again, please ask for help.`,
    },
    es: {
      title: 'Este inicio de sesión se detuvo',
      what: 'La respuesta no vino del plan de salud al que se le preguntó.',
      next: `${nothingShared.es} ${startAgain.es} Si vuelve a pasar, pida ayuda.`,
    },
  },
  expired: {
    en: {
      title: 'This sign-in has expired',
      what: 'It took too long, or its link is no longer good.',
      next: `${nothingShared.en} ${startAgain.en}`,
    },
    es: {
      title: 'Este inicio de sesión venció',
      what: 'Tardó demasiado, o su enlace ya no es válido.',
      next: `${nothingShared.es} ${startAgain.es}`,
    },
  },
  finished: {
    en: {
      title: 'This sign-in is finished',
      what: 'A sign-in link works only once, and this one was already used.',
      next: 'Go back to the app to see whether your record is there. If it is not, start again there.',
    },
    es: {
      title: 'Este inicio de sesión ya terminó',
      what: 'Un enlace de inicio de sesión sirve una sola vez, y este ya se usó.',
      next: 'Regrese a la aplicación y vea si su expediente ya está ahí. Si no está, empiece de nuevo ahí.',
    },
  },
  otherBrowser: {
    en: {
      title: 'This sign-in began in another browser',
      what: 'This sign-in began in another browser, or this browser does not keep cookies.',
      next: `${nothingShared.en} ${startAgain.en} Stay in one browser, and allow cookies for this site.`,
    },
    es: {
      title: 'Este inicio de sesión empezó en otro navegador',
      what: 'Este inicio de sesión empezó en otro navegador, o este navegador no guarda cookies.',
      next: `${nothingShared.es} ${startAgain.es} Use un solo navegador y permita las cookies de este sitio.`,
    },
  },
  unavailable: {
    en: {
      title: 'Please try again in a moment',
      what: 'The service is briefly unavailable.',
      next: 'Wait a minute, then try again.',
    },
    es: {
      title: 'Intente de nuevo en un momento',
      what: 'El servicio no está disponible por un momento.',
      next: 'Espere un minuto y vuelva a intentarlo.',
    },
  },
  ours: {
    en: {
      title: 'Something went wrong on our side',
      what: 'You did nothing wrong.',
      next: 'Try again. If it happens again, please ask for help.',
    },
    es: {
      title: 'Algo falló de nuestro lado',
      what: 'Usted no hizo nada mal.',
      next: 'Intente de nuevo. Si vuelve a pasar, pida ayuda.',
    },
  },
  notFound: {
    en: {
      title: 'There is nothing here',
      what: 'This address has no page.',
      next: startAgain.en,
    },
    es: {
      title: 'Aquí no hay nada',
      what: 'Esta dirección no tiene página.',
      next: startAgain.es,
    },
  },
};
