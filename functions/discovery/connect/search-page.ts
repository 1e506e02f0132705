import type { ApiResponse } from '../../shared/http/api.ts';
import { cspSource } from '../../shared/pages/csp-source.ts';
import { html, type Html } from '../../shared/pages/html.ts';
import { languageNames } from '../../shared/pages/language.ts';
import { page } from '../../shared/pages/page.ts';
import type { PageView } from '../../shared/pages/view.ts';
import type { CheckedApp } from '../../shared/partner/check-client.ts';
import { own } from './authorize-query.ts';
import { longestSearch, mostShown, type Found, type FoundPayer } from './find-payers.ts';
import { searchScript } from './search-script.ts';
import { connectWords } from './words.ts';

/** The search's own styles, beside those of every page. */
const searchStyle = `
.app{display:flex;align-items:center;gap:1rem;margin:0 0 1rem}
.app p{margin:0}
label{display:block;font-weight:600}
#hint{margin:0 0 .5rem}
.search{display:flex;flex-wrap:wrap;gap:.5rem;margin:0 0 .75rem}
.search input{flex:1 1 14rem;min-width:0;min-height:44px;padding:.6rem .75rem;border:1px solid var(--muted);border-radius:8px;background:var(--surface);color:var(--text);font:inherit}
#status{min-height:1.5em}
.hidden{position:absolute;width:1px;height:1px;margin:0;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.plans{margin:0 0 1rem;padding:0;list-style:none}
.plans li{margin:0 0 .5rem}
.plan{display:flex;flex-direction:column;gap:.1rem;width:100%;border-color:var(--line);background:var(--surface);color:var(--text);text-align:left}
.plan:hover:enabled{border-color:var(--accent)}
.plan strong{color:var(--accent)}
.plan span,.plan em{font-size:.9rem}
.plan:disabled{cursor:default}
.plan:disabled strong{color:var(--muted)}
`;

/** What the page shows. */
export interface SearchPage {
  readonly app: CheckedApp;
  /** The page's own URL. */
  readonly url: string;
  /** The authorize request, which the form carries. */
  readonly carried: readonly (readonly [string, string])[];
  readonly typed: string;
  /** Undefined if the search is too long. */
  readonly found: Found | undefined;
}

const line = (label: string, texts: readonly string[]): Html =>
  texts.length === 0 ? html`` : html`<span class="muted">${label}: ${texts.join(', ')}</span>`;

/** A plan as a button of the form. `search-script.ts` makes the same. */
const planOf = ({ id, name, otherNames, linesOfBusiness, available }: FoundPayer, view: PageView): Html => {
  const { also, members, unavailable } = connectWords[view.language];
  return html`<li><button class="plan" name="${own.payer}" value="${id}"${available ? '' : html` disabled`}><strong>${name}</strong>${line(also, otherNames)}${line(members, linesOfBusiness)}${available ? '' : html`<em>${unavailable}</em>`}</button></li>`;
};

const statusOf = ({ typed, found }: SearchPage, view: PageView): string => {
  const { counts, tooLong, noPlanIsConnected } = connectWords[view.language];
  if (found === undefined) return tooLong(longestSearch);
  const { total, payers } = found;
  if (typed.trim() === '' && total === 0) return noPlanIsConnected;
  const words =
    total === 0
      ? counts.none
      : payers.length === 0
        ? counts.begin
        : total === 1
          ? counts.one
          : total > payers.length
            ? counts.more
            : counts.many;
  return words.replace('{n}', total.toLocaleString(languageNames[view.language].locale));
};

/**
 * The page where a member searches for the old plan: a form that works as it is, and whose script searches while the
 * member types.
 */
export const searchPage = (view: PageView, shown: SearchPage): ApiResponse => {
  const { app, url, carried, typed, found } = shown;
  const words = connectWords[view.language];
  const { partner, redirectUri } = app;
  const script = { counts: words.counts, also: words.also, members: words.members, unavailable: words.unavailable };
  const logo = partner.logo === undefined ? '' : html`<img src="${partner.logo}" alt="" />`;
  return page(view, {
    status: found === undefined ? 400 : 200,
    title: words.title,
    content: html`<div class="app">${logo}<p>${words.asks(partner.name)}</p></div>
<form method="get" action="${url}" role="search" data-words="${JSON.stringify({ ...script, locale: languageNames[view.language].locale, mostShown })}">
${carried.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
<label for="q">${words.label}</label>
<p id="hint" class="muted">${words.hint}</p>
<div class="search"><input id="q" name="${own.typed}" type="search" value="${typed.slice(0, longestSearch)}" maxlength="${String(longestSearch)}" autocomplete="off" autocapitalize="words" spellcheck="false" aria-describedby="hint" aria-controls="plans"><button class="second">${words.search}</button></div>
<p id="status" role="status">${statusOf(shown, view)}</p>
<h2 id="plans-title" class="hidden">${words.plans}</h2>
<ul id="plans" class="plans" aria-labelledby="plans-title">${(found?.payers ?? []).map((payer) => planOf(payer, view))}</ul>
</form>
<p><a href="${partner.homePage}">${words.goBackTo(partner.name)}</a></p>`,
    styles: searchStyle,
    script: searchScript,
    images: partner.logo !== undefined,
    // The choice may lead on to the app, if its request has a mistake: Chrome applies form-action to redirects too.
    formAction: `'self' ${cspSource(redirectUri)}`,
  });
};
