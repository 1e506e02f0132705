import { html, type Html } from '../../functions/shared/pages/html.ts';
import { whatIsRead } from '../../functions/shared/pages/what-is-read.ts';
import { parseScopes } from '../../functions/shared/scopes/scopes.ts';
import type { Export } from '../../functions/shared/store/export-item.ts';
import type { MemberExchange } from './find-exchanges.ts';
import { counted } from './find.ts';
import type { ReadOfRecord, ReadOutcome } from './history.ts';
import { moment, timeOf } from './page-time.ts';
import type { Report } from './report-content.ts';
import { exchangeInWords, interactionInWords, sizeInWords } from './words.ts';

const outcomeWords: Readonly<Record<ReadOutcome, readonly [words: string, look: string]>> = {
  complete: ['done', ''],
  refused: ['refused', 'bad'],
  failed: ['failed or cut', 'bad'],
  unknown: ['end unknown', 'bad'],
  open: ['under way', ''],
};

const outcomeOf = ({ outcome, outcomeText, remark }: ReadOfRecord): Html => {
  const [words, look] = outcomeWords[outcome];
  // A bare success status says nothing more.
  const more = /^2\d\d$/.test(outcomeText) || outcomeText === words ? '' : outcomeText;
  return html`<span><span class="${look}">${words}</span>${more === '' ? html`` : html`<small>${more}</small>`}${remark === '' ? html`` : html`<small>${remark}</small>`}</span>`;
};

/** What was done, and what kind of data that is, as the member knows it from the consent page. */
const whatOf = ({ interaction }: ReadOfRecord): Html => {
  const scopes = parseScopes(
    interaction
      .split(' ')
      .filter((word) => /^[A-Z]/.test(word))
      .map((type) => `patient/${type}.rs`)
      .join(' '),
  );
  const { lines } = whatIsRead(scopes, 'en');
  const kind = lines.filter((line) => !line.startsWith('Other data')).join('; ');
  const isKnown = kind !== '' && !interaction.startsWith('everything');
  return html`<span>${interactionInWords(interaction)}${isKnown ? html`<small>${kind}</small>` : html``}</span>`;
};

const cell = (head: string, value: string | Html, look = ''): Html =>
  html`<td data-head="${head}" class="${look}">${value}</td>`;

const tableOf = (reads: readonly ReadOfRecord[], { apps }: Report): Html => html`<table>
<thead><tr><th>Time (UTC)</th><th>App</th><th>What</th><th>Outcome</th><th class="number">Size</th></tr></thead>
<tbody>
${reads.map(
  (read) => html`<tr>${[
    cell('Time (UTC)', moment(read.at)),
    cell('App', apps.get(read.partner)?.name ?? read.partner),
    cell('What', whatOf(read)),
    cell('Outcome', outcomeOf(read)),
    cell('Size', read.bytes === undefined ? '–' : sizeInWords(read.bytes), 'number'),
  ]}</tr>
`,
)}</tbody></table>`;

const isOfExport = ({ interaction }: ReadOfRecord): boolean => interaction.startsWith('export');

/** Every read in order, without those of exports. */
export const readsTable = (report: Report): Html => {
  const reads = report.history.reads.filter((read) => !isOfExport(read));
  return reads.length === 0 ? html`<p>None in this period.</p>` : tableOf(reads, report);
};

const states: Readonly<Record<Export['status'], string>> = {
  running: 'is running',
  completed: 'is complete',
  partial: 'is complete as far as the health plan answered',
  failed: 'failed',
};

const lastExport = (last: Export, { apps }: Report): Html =>
  html`<p>The last export of ${apps.get(last.partner)?.name ?? last.partner}, asked for ${timeOf(last.startedAt)}, ${states[last.status]}: ${counted(last.resources, 'resource')}.
Its files are sealed to the app, which can download them until ${timeOf(last.expiresAt)}, or until its access ends.</p>`;

/** The steps of exports, and the exports whose files are still there. */
export const exportsOf = (report: Report): Html => {
  const steps = report.history.reads.filter(isOfExport);
  const { exports } = report.history;
  if (steps.length === 0 && exports.length === 0) return html`<p>None in this period.</p>`;
  return html`<p>An app can ask for the whole record as files. The gateway reads it into files that only the app can open; the data
reaches the app when it downloads them.</p>${exports.map((last) => lastExport(last, report))}${steps.length === 0 ? html`` : tableOf(steps, report)}`;
};

const exchangeRow = (one: MemberExchange, { apps }: Report): Html => {
  const { about, came, asked, downloads } = one;
  const consent = about.consent === undefined ? 'unknown' : about.consent;
  const hash = about.consentHash === undefined ? html`` : html`<small>SHA-256 ${about.consentHash}</small>`;
  const files =
    downloads.length === 0
      ? html``
      : html`<small>its files were downloaded ${counted(downloads.length, 'time')}, last ${moment(downloads.at(-1)!.at)}</small>`;
  const at = came ?? asked;
  return html`<tr>${[
    cell('Time (UTC)', at === undefined ? '–' : moment(at)),
    cell('Plan', apps.get(one.partner)?.name ?? one.partner),
    cell('What', html`<span>${exchangeInWords(one)}${files}</span>`),
    cell('Consent', html`<span>${consent}${hash}</span>`),
    cell('Reference', html`<code>${one.exchange}</code>`),
  ]}</tr>
`;
};

/** What other plans asked for without a sign-in of the member. */
export const exchangesOf = (report: Report): Html =>
  report.exchanges.length === 0
    ? html`<p>None in this period.</p>`
    : html`<p>A health plan that a member has joined asks the former one for the record, saying that the member has agreed. The member does
not sign in here. The gateway keeps the consent's id and a hash of what the plan sent.</p><table>
<thead><tr><th>Time (UTC)</th><th>Plan</th><th>What</th><th>Consent</th><th>Reference</th></tr></thead>
<tbody>
${report.exchanges.map((one) => exchangeRow(one, report))}</tbody></table>`;
