import { errorHeaders, type DeadEnd, type ErrorCode, type GatewayError } from '../errors.ts';
import type { ApiResponse } from '../http/api.ts';
import { readOn } from '../http/read-on.ts';
import { deadEnds } from './dead-ends.ts';
import { html, type Html } from './html.ts';
import { languageNames, languages, type InEachLanguage } from './language.ts';
import { page } from './page.ts';
import type { PageView } from './view.ts';

interface ErrorWords {
  readonly goBackTo: (app: string) => string;
  readonly tryAgain: string;
  readonly reference: string;
  readonly quoteIt: string;
  readonly forDevelopers: string;
}

const words: InEachLanguage<ErrorWords> = {
  en: {
    goBackTo: (app) => `Go back to ${app}`,
    tryAgain: 'Try again',
    reference: 'Reference',
    quoteIt: 'Please give it when you ask for help.',
    forDevelopers: "For the app's developer",
  },
  es: {
    goBackTo: (app) => `Regresar a ${app}`,
    tryAgain: 'Intentar de nuevo',
    reference: 'Referencia',
    quoteIt: 'Indíquela cuando pida ayuda.',
    forDevelopers: 'Para el desarrollador de la aplicación, en inglés',
  },
};

const deadEndOfCode: Readonly<Partial<Record<ErrorCode, DeadEnd>>> = {
  method_not_allowed: 'wrongMethod',
  not_found: 'notFound',
  server_error: 'ours',
  temporarily_unavailable: 'unavailable',
  unauthorized_client: 'blockedApp',
};

/** Dead ends that may have passed when the browser asks for the same again. */
const passing: ReadonlySet<DeadEnd> = new Set(['openedAhead', 'ours', 'unavailable']);

const wayOn = (view: PageView, deadEnd: DeadEnd, { backTo }: GatewayError): Html => {
  const { goBackTo, tryAgain } = words[view.language];
  if (backTo !== undefined) {
    return html`<p class="actions"><a class="button" href="${backTo.homePage}">${goBackTo(backTo.name)}</a></p>`;
  }
  // An empty reference is the page's own URL (RFC 3986 §4.4). No link can repeat a POST.
  return passing.has(deadEnd) && view.method === 'GET'
    ? html`<p class="actions"><a class="button" href="">${tryAgain}</a></p>`
    : html``;
};

/** The exact reason, and where to read on. Its readers write code, and the parameters are English. */
const exactReason = ({ language }: PageView, error: GatewayError): Html => {
  const uri = readOn('page', error, error.status);
  const link = uri === undefined ? '' : html` <a href="${uri}">About this error</a>`;
  return html`<p><small>${words[language].forDevelopers}: <span lang="en">${error.publicMessage}${link}</span></small></p>`;
};

/** The same in the other languages, folded, where no switch can ask for the page again. */
const inOtherLanguages = ({ language }: PageView, deadEnd: DeadEnd): readonly Html[] =>
  languages
    .filter((other) => other !== language)
    .map((other) => {
      const { title, what, next } = deadEnds[deadEnd][other];
      const { name } = languageNames[other];
      return html`<details lang="${other}"><summary>${name}</summary><p><strong>${title}</strong></p><p>${what}</p><p>${next}</p></details>`;
    });

/** As large as a finger. */
const styles = `summary{display:list-item;min-height:44px;padding:.6rem 0;color:var(--accent);cursor:pointer}`;

/**
 * An error page for a person, if no redirect is trusted: what happened, what to do, and a reference to quote. It repeats
 * nothing from the request, which may hold a payer's code or anything at all. Where there is something to repeat, it has no
 * switch of the language, but says the same in the others.
 */
export const errorPage = (asked: PageView, error: GatewayError, reference: string): ApiResponse => {
  const isAlone = asked.onlyLanguage === true;
  const isBoth = !isAlone && asked.pairs.length > 0;
  const view = { ...asked, pairs: [], onlyLanguage: isAlone || isBoth };
  const deadEnd = error.page ?? deadEndOfCode[error.code] ?? 'brokenLink';
  const { title, what, next } = deadEnds[deadEnd][view.language];
  const { quoteIt, reference: label } = words[view.language];
  const answer = page(view, {
    status: error.status,
    title,
    content: html`<p>${what}</p>
<p>${next}</p>
${wayOn(view, deadEnd, error)}
<p><small>${label}: ${reference}<br>${quoteIt}</small></p>
${exactReason(view, error)}${isBoth ? inOtherLanguages(view, deadEnd) : ''}`,
    ...(isBoth && { styles }),
  });
  return { ...answer, headers: { ...answer.headers, ...errorHeaders(error) } };
};
