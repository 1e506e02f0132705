import { html, type Html } from '../shared/pages/html.ts';
import type { Language } from '../shared/pages/language.ts';
import type { Payer } from '../shared/registry/types.ts';
import { notices, told, type Notice } from './fields.ts';
import { connectionsWords } from './words.ts';

/** The styles of both pages. */
export const noticeStyles = `
.notice{padding:.75rem 1rem;border:1px solid var(--line);border-left:5px solid var(--accent);border-radius:8px;margin:0 0 1rem}
.notice>:last-child{margin-bottom:0}
.notice h2{margin-top:0}
`;

/** The message that a redirect selects. Anyone can write such a link, so it can select only a fixed sentence that is true. */
export const noticeOf = (
  values: ReadonlyMap<string, string>,
  payer: Payer,
  language: Language,
  { never = [], otherwise }: { readonly never?: readonly Notice[]; readonly otherwise?: Notice | undefined } = {},
): Html => {
  const named = notices.find((one) => one === values.get(told.notice) && !never.includes(one));
  const notice = named ?? otherwise;
  if (notice === undefined) return html``;
  const words = connectionsWords[language];
  const reference = /^[0-9a-f]{8}-[0-9a-f]{4}$/.exec(values.get(told.reference) ?? '')?.[0];
  return html`<div class="notice" role="status"><p>${words.notices[notice](payer.displayName)}</p>${
    reference === undefined ? '' : html`<p><small>${words.reference}: ${reference}</small></p>`
  }</div>`;
};
