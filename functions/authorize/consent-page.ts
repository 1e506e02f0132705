import { html, type Html } from '../shared/pages/html.ts';
import { languageNames, type Language } from '../shared/pages/language.ts';
import { ownFields, type PageView } from '../shared/pages/view.ts';
import { whatIsRead } from '../shared/pages/what-is-read.ts';
import type { Partner, Payer } from '../shared/registry/types.ts';
import type { Scopes } from '../shared/scopes/scopes.ts';
import { consentWords } from './consent-words.ts';

/** What the member is asked. */
export interface ConsentQuestion {
  readonly partner: Partner;
  readonly payer: Payer;
  readonly scope: Scopes;
  /** When the grant ends at the latest, epoch seconds. */
  readonly endsAt: number;
  /** How long the app can read, in seconds, if it gets no refresh token. */
  readonly readsOnceFor: number | undefined;
  /** Where the browser returns to, as a member would call it. */
  readonly returnsTo: string;
  readonly action: string;
  /** Where the member can stop it later; undefined where that page cannot tell whose grants are whose. */
  readonly stopAt: string | undefined;
  /** Whether the member allowed what an earlier page showed, which is no longer so. @default false */
  readonly changed?: boolean;
  /** What the form carries, with its token. */
  readonly fields: readonly (readonly [string, string])[];
}

/** A date in words. The date in the States is never ahead of UTC's, so it is never too early. */
const dateOf = (seconds: number, language: Language): string =>
  new Date(seconds * 1000).toLocaleDateString(languageNames[language].locale, { dateStyle: 'long', timeZone: 'UTC' });

const durationOf = (seconds: number, language: Language): string => {
  const [unit, length] = seconds % 3600 === 0 ? (['hour', 3600] as const) : (['minute', 60] as const);
  const { locale } = languageNames[language];
  return (seconds / length).toLocaleString(locale, {
    style: 'unit',
    unit,
    unitDisplay: 'long',
    maximumFractionDigits: 0,
  });
};

const askedOf = ({ name, logo, homePage }: Partner, payer: Payer, language: Language): Html => {
  const [before, between, after] = consentWords[language].wants;
  return html`<div class="app">
${logo === undefined ? '' : html`<img src="${logo}" alt="" />`}
<p>${before}<strong>${name}</strong> (<a href="${homePage}">${new URL(homePage).host}</a>)${between}<strong>${payer.displayName}</strong>${payer.displayName.endsWith('.') ? '' : after}</p></div>`;
};

/** The styles of this page only. */
export const consentStyles = `
.app{display:flex;align-items:center;gap:1rem;margin:0 0 1rem}
.app img{flex:none}
.app p{margin:0}
.read{columns:15rem}
.read li{break-inside:avoid}
.policy a{display:inline-block;padding:.25rem 0}
summary{display:list-item;min-height:44px;padding:.6rem 0;color:var(--accent);cursor:pointer}
html{scroll-padding-bottom:7rem}
form.actions{position:sticky;bottom:0;margin:1rem -1.25rem -1.5rem;padding:.75rem 1.25rem;background:var(--surface);border-top:1px solid var(--line);border-radius:0 0 10px 10px}
form.actions>button{flex:1 1 8rem}
`;

const items = (lines: readonly string[]): readonly Html[] => lines.map((line) => html`<li>${line}</li>`);

/** What the consent page says below its title. */
export const consentContent = (view: PageView, question: ConsentQuestion): Html => {
  const { language } = view;
  const { partner, payer, endsAt, readsOnceFor } = question;
  const words = consentWords[language];
  const { inShort, lines, isSensitive } = whatIsRead(question.scope, language);
  const fields = question.fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`);
  return html`${question.changed === true ? html`<p><strong>${words.changed}</strong></p>` : ''}${askedOf(partner, payer, language)}
<h2>${words.what}</h2>
<ul class="read">${items(inShort)}</ul>
${lines.length === inShort.length ? '' : html`<details><summary>${words.inDetail(lines.length)}</summary><ul class="read">${items(lines)}</ul></details>`}
${isSensitive ? html`<p>${words.sensitive}</p>` : ''}
<h2>${words.untilWhen}</h2>
<p>${
    readsOnceFor === undefined
      ? html`${words.until[0]}<strong>${dateOf(endsAt, language)}</strong>${words.until[1]} ${words.keepsReading}`
      : html`${words.readsOnce[0]}<strong>${durationOf(readsOnceFor, language)}</strong>${words.readsOnce[1]}`
  }</p>
<h2>${words.howToStop}</h2>
<p>${words.stop(partner.name, payer.displayName)} ${question.stopAt === undefined ? '' : html`<a href="${question.stopAt}">${words.stopHere}</a>. `}${words.stays(partner.name)}</p>
${partner.privacyPolicy === undefined ? '' : html`<p class="policy"><a href="${partner.privacyPolicy}">${words.privacyOf(partner.name)}</a></p>`}
<p>${words.next(payer.displayName, view.operator.name, question.returnsTo)}</p>
<form class="actions" method="post" action="${question.action}">${fields}
<button name="${ownFields.decision}" value="allow">${words.allow}</button>
<button class="second" name="${ownFields.decision}" value="deny">${words.deny}</button></form>`;
};
