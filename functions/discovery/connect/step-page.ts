import type { ApiResponse } from '../../shared/http/api.ts';
import { html } from '../../shared/pages/html.ts';
import { languageNames } from '../../shared/pages/language.ts';
import { page } from '../../shared/pages/page.ts';
import type { PageView } from '../../shared/pages/view.ts';
import { whatIsRead } from '../../shared/pages/what-is-read.ts';
import type { Partner, Payer } from '../../shared/registry/types.ts';
import type { Scopes } from '../../shared/scopes/scopes.ts';
import { connectWords } from './words.ts';

/** What the member is about to share. */
export interface Step {
  readonly partner: Partner;
  readonly payer: Payer;
  readonly scope: Scopes;
  /** When the grant ends at the latest, epoch seconds. */
  readonly endsAt: number;
  readonly authorizeUrl: string;
  /** The search, for another plan. */
  readonly searchUrl: string;
}

/** The page between the choice and the payer's sign-in, for an app that asks its members itself. */
export const stepPage = (view: PageView, step: Step): ApiResponse => {
  const { partner, payer, scope, endsAt, authorizeUrl, searchUrl } = step;
  const words = connectWords[view.language];
  const { locale } = languageNames[view.language];
  const date = new Date(endsAt * 1000).toLocaleDateString(locale, { dateStyle: 'long', timeZone: 'UTC' });
  const plans = payer.linesOfBusiness?.join(', ');
  return page(view, {
    title: words.stepTitle(payer.displayName),
    content: html`<p>${words.reads(partner.name, payer.displayName)}</p>
<ul>${whatIsRead(scope, view.language).lines.map((line) => html`<li>${line}</li>`)}</ul>
<p>${words.until(date)}</p>
${plans === undefined ? '' : html`<p>${words.onlyMembersOf(plans)}</p>`}
<p>${words.next(payer.displayName)}</p>
<p class="actions"><a class="button" href="${authorizeUrl}">${words.goOn(payer.displayName)}</a><a class="button second" href="${searchUrl}">${words.chooseAnother}</a></p>`,
  });
};

/** The page for a payer that an operator has paused since the search, or that a link names. */
export const pausedPage = (view: PageView, payer: Payer, searchUrl: string): ApiResponse => {
  const words = connectWords[view.language];
  return page(view, {
    status: 503,
    title: words.pausedTitle(payer.displayName),
    content: html`<p>${words.paused}</p>
<p class="actions"><a class="button" href="${searchUrl}">${words.chooseAnother}</a></p>`,
  });
};
