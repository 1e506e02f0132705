import { html, type Html } from './html.ts';
import { languageNames, languages, type InEachLanguage, type Language } from './language.ts';
import type { Operator } from './settings.ts';
import { languageParameter, type PageView } from './view.ts';

interface FrameWords {
  readonly runBy: string;
  readonly privacy: string;
  readonly help: string;
}

const words: InEachLanguage<FrameWords> = {
  en: { runBy: 'This service is run by', privacy: 'Our privacy policy', help: 'Get help' },
  es: {
    runBy: 'Este servicio lo ofrece',
    privacy: 'Nuestra política de privacidad',
    help: 'Obtener ayuda',
  },
};

/** The top of every page: who speaks. */
export const headerOf = ({ operator: { name, logo } }: PageView): Html =>
  html`<header>${logo === undefined ? '' : html`<img src="${logo}" alt="" />`}<span>${name}</span></header>`;

/** Asks for the same in another language: a link, or after a POST, which no link can repeat, a form with its fields. */
const switchTo = ({ method, pairs }: PageView, language: Language): Html => {
  const { name } = languageNames[language];
  if (method === 'GET') {
    const query = new URLSearchParams([...pairs.map(([key, value]) => [key, value]), [languageParameter, language]]);
    return html`<a class="link" href="?${query.toString()}" lang="${language}">${name}</a>`;
  }
  const fields = pairs.map(([key, value]) => html`<input type="hidden" name="${key}" value="${value}" />`);
  return html`<form method="post">${fields}<button class="link" name="${languageParameter}" value="${language}" lang="${language}">${name}</button></form>`;
};

const switches = (view: PageView): readonly Html[] =>
  languages
    .filter((other) => other !== view.language && view.onlyLanguage !== true)
    .map((other) => html`<li>${switchTo(view, other)}</li>`);

const linkTo = (href: string | undefined, text: string): Html =>
  href === undefined ? html`` : html`<li><a href="${href}">${text}</a></li>`;

const nameOf = ({ name, website }: Operator): Html =>
  website === undefined ? html`${name}` : html`<a href="${website}">${name}</a>`;

/** The bottom of every page: who runs this, privacy, help, and the other language. */
export const footerOf = (view: PageView): Html => {
  const { operator, language } = view;
  const { runBy, privacy, help } = words[language];
  return html`<footer><p>${runBy} ${nameOf(operator)}${operator.name.endsWith('.') ? '' : '.'}</p>
<ul>${linkTo(operator.privacyPolicy, privacy)}${linkTo(operator.support, help)}${switches(view)}</ul></footer>`;
};
