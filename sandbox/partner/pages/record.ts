import type { Html } from '../html.ts';
import { html } from '../html.ts';
import type { PayerChoice } from '../payer-choice.ts';
import type { Entry, Page } from '../store/lists.ts';
import type { StoredRecord } from '../stored-record.ts';
import { figure, shortDay } from './format.ts';
import { page } from './layout.ts';

/** What the pages of a record need. */
export interface RecordView {
  readonly payer: PayerChoice;
  /** The payer's FHIR base at the gateway. */
  readonly base: string;
  readonly record: StoredRecord;
  readonly formToken: string;
  /** Whether an import was begun. */
  readonly hasImport: boolean;
  /** The parameters of the page's URL. */
  readonly query: URLSearchParams;
}

const places = [
  ['', 'Overview'],
  ['timeline', 'Timeline'],
  ['results', 'Results'],
  ['health', 'Health'],
  ['care', 'Care'],
  ['claims', 'Claims'],
  ['documents', 'Documents'],
] as const;

export type Place = (typeof places)[number][0];

/** The path of a page of the record. */
export const pathOf = (
  payer: PayerChoice,
  place: string,
  query: Readonly<Record<string, string | number>> = {},
): string => {
  const parameters = new URLSearchParams(
    Object.entries(query).map(([name, value]) => [name, String(value)]),
  ).toString();
  return `/record/${payer.id}${place === '' ? '' : `/${place}`}${parameters === '' ? '' : `?${parameters}`}`;
};

/** The number of the list's page, from the URL. Anything else is the first page. */
export const pageNumber = (query: URLSearchParams): number => {
  const text = query.get('page') ?? '1';
  return /^[1-9]\d{0,5}$/.test(text) ? Number(text) : 1;
};

const navigation = (payer: PayerChoice, current: Place | undefined): Html =>
  html`<nav class="places" aria-label="Your record">
    <ul>
      ${places.map(
        ([place, name]) =>
          html`<li>
            <a href="${pathOf(payer, place)}" ${place === current && html`aria-current="page"`}>${name}</a>
          </li>`,
      )}
    </ul>
  </nav>`;

const partial = ({ payer, record, formToken, hasImport }: RecordView): Html | false => {
  if (record.isWhole || record.by === 'export') return false;
  const next = hasImport
    ? html`<a class="button" href="/export/${payer.id}">See the import of the whole record</a>`
    : html`<form method="post" action="/export/${payer.id}/begin">
        <input type="hidden" name="form_token" value="${formToken}" /><button>Import the whole record</button>
      </form>`;
  return html`<section class="notice" aria-label="Part of your record">
    <p>
      Your record is large. These pages show its first ${figure(record.total)} entries. To see everything, import the
      whole record. That takes a minute or more.
    </p>
    <div class="actions">${next}</div>
  </section>`;
};

const incomplete = ({ payer, record }: RecordView): Html | false =>
  record.by === 'export' &&
  !record.isWhole &&
  html`<p class="notice">
    Some parts of your record are missing. <a href="/export/${payer.id}">See which, and why</a>.
  </p>`;

/** A page of the record, with the way to the others. @param current undefined on a page below one of them */
export const recordPage = (
  view: RecordView,
  current: Place | undefined,
  title: string,
  content: Html,
  { scripts = [], styles = [] }: { readonly scripts?: readonly string[]; readonly styles?: readonly string[] } = {},
): string => {
  const { payer } = view;
  return page({
    title: `${title} · ${payer.displayName}`,
    scripts,
    styles,
    content: html`<p class="crumb"><a href="/">All plans</a> · ${payer.displayName}</p>
      ${navigation(payer, current)} ${partial(view)} ${incomplete(view)} ${content}`,
  });
};

/** The links to the list's next and previous pages. */
export const pager = (
  { payer, query }: RecordView,
  place: string,
  { page: number, hasMore }: Pick<Page<unknown>, 'page' | 'hasMore'>,
): Html | false => {
  const to = (target: number): string => pathOf(payer, place, { ...Object.fromEntries(query), page: target });
  if (number === 1 && !hasMore) return false;
  return html`<nav class="pager" aria-label="Pages of this list">
    ${number > 1 && html`<a class="button second" rel="prev" href="${to(number - 1)}">Previous</a>`}
    <span>Page ${figure(number)}</span>
    ${hasMore && html`<a class="button second" rel="next" href="${to(number + 1)}">Next</a>`}
  </nav>`;
};

/** Entries as a table. Each name links to the payer's own text. An empty column is left out. */
export const entriesTable = (
  { payer }: RecordView,
  rows: readonly Entry[],
  { name, detail, label }: { readonly name: string; readonly detail: string; readonly label: string },
): Html => {
  const withDetail = rows.some((row) => row.detail !== '');
  const withDate = rows.some((row) => row.date !== '');
  return html`<table class="stacked" aria-label="${label}">
    <thead>
      <tr>
        <th scope="col">${name}</th>
        ${withDetail && html`<th scope="col">${detail}</th>`} ${withDate && html`<th scope="col">Date</th>`}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr>
            <th scope="row"><a href="${pathOf(payer, 'entry', { type: row.type, id: row.id })}">${row.title}</a></th>
            ${withDetail && html`<td class="value">${row.detail}</td>`}
            ${withDate && html`<td class="date">${shortDay(row.date)}</td>`}
          </tr>`,
      )}
    </tbody>
  </table>`;
};
