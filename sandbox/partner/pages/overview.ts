import { html } from '../html.ts';
import type { Html } from '../html.ts';
import { latestOf } from '../store/charts.ts';
import { activeOf, countsIn } from '../store/lists.ts';
import type { Entry } from '../store/lists.ts';
import { day, figure, moment, shortDay } from './format.ts';
import { plainWords } from './plain-words.ts';
import { pathOf, recordPage } from './record.ts';
import type { RecordView } from './record.ts';

const latestShown = 12;
const activeShown = 6;

/** What matters first: the member, what is true now, the latest results, and what there is. */
export const overviewPage = (view: RecordView): string => {
  const { payer, record } = view;
  const latest = latestOf(record.store.db, latestShown);
  const content = html`<h1 data-field="name">${record.name || 'Name not given'}</h1>
    <dl class="facts">
      <div>
        <dt>Born</dt>
        <dd data-field="birth-date">${day(record.birthDate) || 'not given'}</dd>
      </div>
      <div>
        <dt>From</dt>
        <dd>${payer.displayName}</dd>
      </div>
      <div>
        <dt>Entries</dt>
        <dd data-field="total">${figure(record.total)}</dd>
      </div>
    </dl>
    ${now(view)}
    <div class="columns">
      <section aria-labelledby="latest">
        <h2 id="latest">Latest results</h2>
        ${latest.length === 0 ? html`<p>This record has no results.</p>` : latestTable(latest)}
        ${latest.length > 0 && html`<p><a href="${pathOf(payer, 'results')}">All results, with charts</a></p>`}
      </section>
      <section aria-labelledby="counts">
        <h2 id="counts">What is in your record</h2>
        ${countsTable(view)}
      </section>
    </div>
    ${origin(view)}`;
  return recordPage(view, '', 'Your record', content);
};

/** Conditions, allergies and medicines that are active. */
const now = ({ payer, record }: RecordView): Html | undefined => {
  const groups = [
    ['Condition', 'Conditions now'],
    ['AllergyIntolerance', 'Allergies'],
    ['MedicationRequest', 'Medicines now'],
  ] as const;
  const cards = groups.flatMap(([type, title]) => {
    const { rows, hasMore } = activeOf(record.store.db, type, 1, activeShown);
    if (rows.length === 0) return [];
    return [
      html`<section class="card now" aria-label="${title}">
        <h2>${title}</h2>
        <ul>
          ${[...new Set(rows.map((row) => row.title))].map((name) => html`<li>${name}</li>`)}
        </ul>
        <p><a href="${pathOf(payer, 'health')}">${hasMore ? 'All of them' : 'More about them'}<span class="hidden">: ${title}</span></a></p>
      </section>`,
    ];
  });
  return cards.length === 0 ? undefined : html`<div class="cards">${cards}</div>`;
};

const latestTable = (latest: readonly Entry[]): Html =>
  html`<table class="latest stacked">
    <thead>
      <tr>
        <th scope="col">Result</th>
        <th scope="col">Value</th>
        <th scope="col">Date</th>
      </tr>
    </thead>
    <tbody>
      ${latest.map(
        ({ title, detail, date }) =>
          html`<tr>
            <th scope="row">${title}</th>
            <td class="value">${detail}</td>
            <td class="date">${shortDay(date)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;

const countsTable = ({ payer, record }: RecordView): Html =>
  html`<table class="counts">
    <thead>
      <tr>
        <th scope="col">Kind</th>
        <th scope="col" class="number">Entries</th>
      </tr>
    </thead>
    <tbody>
      ${countsIn(record.store.db).map(
        ({ type, count }) =>
          html`<tr data-type="${type}">
            <th scope="row"><a href="${pathOf(payer, 'list', { type })}">${plainWords(type)}</a></th>
            <td class="number">${figure(count)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;

/** Where the record comes from, and what can be done with it. */
const origin = ({ payer, base, record, formToken, hasImport }: RecordView): Html => {
  const token = html`<input type="hidden" name="form_token" value="${formToken}" />`;
  const byExport = record.by === 'export';
  return html`<section class="card origin" aria-labelledby="origin">
    <h2 id="origin">Where this comes from</h2>
    <p>
      ${
        byExport
          ? html`Imported from ${payer.displayName} on ${moment(record.readAtMs)}, in ${record.pages}
            ${record.pages === 1 ? 'file' : 'files'},`
          : html`Read from ${payer.displayName} on ${moment(record.readAtMs)}, in ${record.pages}
            ${record.pages === 1 ? 'page' : 'pages'},`
      }
      through <code>${base}</code>.
    </p>
    <div class="actions">
      ${
        hasImport
          ? html`<a class="button" href="/export/${payer.id}">See the import of the whole record</a>`
          : html`<form method="post" action="/export/${payer.id}/begin">
              ${token}<button>${byExport ? 'Import again' : 'Import the whole record'}</button>
            </form>`
      }
      ${
        !byExport &&
        html`<form method="post" action="/record/${payer.id}/read">${token}<button class="second">Read again</button></form>`
      }
      <a class="button second" href="${pathOf(payer, 'download')}" download>Download what is here</a>
      <a class="button danger" href="${pathOf(payer, 'disconnect')}">Disconnect ${payer.displayName}</a>
    </div>
  </section>`;
};
