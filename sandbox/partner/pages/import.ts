import { fileNameOf } from '../exports.ts';
import type { ExportFile, Manifest, Status, TypeOutcome } from '../exports.ts';
import { html } from '../html.ts';
import type { Html } from '../html.ts';
import type { ImportState } from '../import-job.ts';
import type { PayerChoice } from '../payer-choice.ts';
import { entries, figure, moment } from './format.ts';
import { page } from './layout.ts';
import { plainWords } from './plain-words.ts';

/** The page of an import: its progress, or its files and what is missing. */
export const importPage = (
  payer: PayerChoice,
  state: Exclude<ImportState, { phase: 'failed' }>,
  formToken: string,
): string => {
  if (state.phase === 'done') return donePage(payer, state, formToken);
  return state.phase === 'loading' ? loadingPage(payer, state) : runningPage(payer, state.status, formToken);
};

const crumb = (payer: PayerChoice): Html =>
  html`<p class="crumb"><a href="/">All plans</a> · <a href="/record/${payer.id}">Your record</a></p>`;

const endForm = (payer: PayerChoice, formToken: string, words: string): Html =>
  html`<form method="post" action="/export/${payer.id}/delete">
    <input type="hidden" name="form_token" value="${formToken}" /><button class="danger">${words}</button>
  </form>`;

const runningPage = (
  payer: PayerChoice,
  { progress, retryAfterSeconds }: Extract<Status, { done: false }>,
  formToken: string,
): string => {
  const { resources = 0, resourcesTotal, typesDone, typesTotal } = progress;
  const [done, total] = resourcesTotal === undefined ? [typesDone ?? 0, typesTotal] : [resources, resourcesTotal];
  const kinds = resourcesTotal === undefined ? 'kinds' : 'entries';
  const content = html`${crumb(payer)}
    <h1>Your whole record is on its way</h1>
    <p class="lead">
      ${payer.displayName} sends it page by page. You can close this page and come back: it goes on without you.
    </p>
    <section class="card import" aria-labelledby="progress">
      <div data-live="running">
      <h2 id="progress" data-field="resources">${entries(resources)} so far</h2>
      ${
        total === undefined
          ? html`<progress aria-labelledby="progress"></progress>`
          : html`<progress aria-labelledby="progress" value="${done}" max="${total}"></progress>`
      }
      <p class="quiet">${total === undefined ? 'It is about to begin.' : `${figure(done)} of ${figure(total)} ${kinds} are done.`} This page looks again by itself.</p>
      </div>
      <div class="actions">${endForm(payer, formToken, 'Stop the import')}</div>
    </section>`;
  const reloadAfterSeconds = Math.max(1, Math.ceil(retryAfterSeconds));
  return page({ title: `${percent(done, total)}Your whole record is on its way`, content, reloadAfterSeconds });
};

/** In the title, for a member who looks at another tab. */
const percent = (done: number, total: number | undefined): string =>
  total === undefined || total === 0 ? '' : `${Math.floor((done / total) * 100)}% · `;

const loadingPage = (payer: PayerChoice, { loaded, total }: Extract<ImportState, { phase: 'loading' }>): string => {
  const content = html`${crumb(payer)}
    <h1>Your whole record is arriving</h1>
    <p class="lead">The gateway has it. This app now reads its files. You can close this page and come back.</p>
    <section class="card import" aria-labelledby="progress">
      <div data-live="loading">
      <h2 id="progress" data-field="resources">${entries(loaded)} so far</h2>
      <progress aria-labelledby="progress" value="${loaded}" max="${total}"></progress>
      <p class="quiet">
        ${figure(loaded)} of ${figure(total)} entries are here. This page looks again by itself.
      </p>
      </div>
    </section>`;
  return page({ title: `${percent(loaded, total)}Your whole record is arriving`, content, reloadAfterSeconds: 2 });
};

const donePage = (
  payer: PayerChoice,
  { manifest, expires }: Extract<ImportState, { phase: 'done' }>,
  formToken: string,
): string => {
  const { output, error, transactionTime } = manifest;
  const missing = missingOf(manifest);
  const title =
    manifest.extension?.complete === true ? 'Your whole record is here' : 'Your record is here, except for some parts';
  const content = html`${crumb(payer)}
    <h1>${title}</h1>
    <dl class="facts">
      <div>
        <dt>From</dt>
        <dd>${payer.displayName}</dd>
      </div>
      <div>
        <dt>Entries</dt>
        <dd data-field="total">${figure(output.reduce((sum, { count }) => sum + count, 0))}</dd>
      </div>
      <div>
        <dt>As of</dt>
        <dd data-field="as-of">${moment(Date.parse(transactionTime))}</dd>
      </div>
      <div>
        <dt>Files are kept until</dt>
        <dd>${moment(Date.parse(expires))}</dd>
      </div>
    </dl>
    <p class="actions"><a class="button" href="/record/${payer.id}">See my record</a></p>
    <section aria-labelledby="missing">
      <h2 id="missing">What is missing</h2>
      ${missing.length === 0 ? html`<p>Nothing is known to be missing.</p>` : missingTable(payer, missing)}
    </section>
    <section aria-labelledby="files">
      <h2 id="files">Files</h2>
      ${filesTable(payer, output)}
      ${
        error.length > 0 &&
        html`<p class="quiet">
          For developers, what could not be read, line by line:
          ${error.map((file) => html`<a href="/export/${payer.id}/${fileNameOf(file)}">${fileNameOf(file)}</a> `)}
        </p>`
      }
    </section>
    <div class="actions">
      <form method="post" action="/export/${payer.id}/begin">
        <input type="hidden" name="form_token" value="${formToken}" /><button class="second">Import again</button>
      </form>
      ${endForm(payer, formToken, 'Delete these files')}
    </div>`;
  return page({ title, content });
};

const missingOf = ({ extension }: Manifest): readonly TypeOutcome[] =>
  (extension?.outcomes ?? []).filter(({ outcome }) => outcome !== 'complete');

/** Puts outcomes with the same reason into one row. */
const missingTable = (payer: PayerChoice, missing: readonly TypeOutcome[]): Html => {
  const byReason = Map.groupBy(missing, (outcome) => outcome.reason ?? usualReason(payer, outcome));
  return missingRows([...byReason]);
};

const missingRows = (rows: readonly (readonly [reason: string, outcomes: readonly TypeOutcome[]])[]): Html =>
  html`<table class="stacked">
    <thead>
      <tr>
        <th scope="col">Kind</th>
        <th scope="col" class="number">Entries</th>
        <th scope="col">Why there are not more</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        ([reason, outcomes]) =>
          html`<tr data-missing="${outcomes.map(({ type }) => type).join(' ')}">
            <th scope="row">${outcomes.map(({ type }) => plainWords(type)).join(', ')}</th>
            <td class="number">${figure(outcomes.reduce((sum, { count }) => sum + count, 0))}</td>
            <td>${reason}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;

const usualReason = (payer: PayerChoice, { outcome }: TypeOutcome): string => {
  if (outcome === 'refusedByScope') return 'You did not share it.';
  if (outcome === 'refusedByPayer') return `${payer.displayName} does not give it out.`;
  return 'Some of it could not be read.';
};

const filesTable = (payer: PayerChoice, files: readonly ExportFile[]): Html =>
  html`<table class="stacked">
    <thead>
      <tr>
        <th scope="col">Kind</th>
        <th scope="col" class="number">Entries</th>
        <th scope="col">Download</th>
      </tr>
    </thead>
    <tbody>
      ${files.map(
        (file) =>
          html`<tr data-type="${file.type}">
            <th scope="row">${plainWords(file.type)}</th>
            <td class="number">${figure(file.count)}</td>
            <td><a href="/export/${payer.id}/${fileNameOf(file)}">${fileNameOf(file)}</a></td>
          </tr>`,
      )}
    </tbody>
  </table>`;
