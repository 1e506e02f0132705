import type { ApiResponse } from '../shared/http/api.ts';
import { cspSource } from '../shared/pages/csp-source.ts';
import { html } from '../shared/pages/html.ts';
import { page } from '../shared/pages/page.ts';
import { languageParameter, type PageView } from '../shared/pages/view.ts';
import type { Payer } from '../shared/registry/types.ts';
import { fields } from './fields.ts';
import { noticeOf, noticeStyles } from './notice.ts';
import { connectionsWords } from './words.ts';

/** What a page of this function is about. */
export interface PageOf {
  readonly payer: Payer;
  /** The page's own address. */
  readonly url: string;
  /** The request's parameters. */
  readonly values: ReadonlyMap<string, string>;
}

/** The page before sign-in. It shows nothing about any member. */
export const signInPage = (view: PageView, { payer, url, values }: PageOf): ApiResponse => {
  const { language, operator } = view;
  const words = connectionsWords[language];
  const name = payer.displayName;
  const targets = [payer.authorizationEndpoint, ...payer.quirks.signInOrigins].map(cspSource);
  const isPossible = payer.patientFrom !== 'none';
  return page(view, {
    title: words.title(name),
    content: isPossible
      ? html`${noticeOf(values, payer, language, { never: ['gone', 'left'] })}<p>${words.what(name)}</p>
<p>${words.how(name, operator.name)}</p>
<form class="actions" method="post" action="${url}"><input type="hidden" name="${languageParameter}" value="${language}" />
<button name="${fields.act}" value="sign-in">${words.signIn(name)}</button></form>`
      : html`<p>${words.cannotShow(name)}</p>
<p>${words.whatToDo(name)}</p>`,
    styles: noticeStyles,
    // Chrome applies form-action to the redirects that follow the form.
    formAction: isPossible ? `'self' ${[...new Set(targets)].join(' ')}` : "'none'",
  });
};
