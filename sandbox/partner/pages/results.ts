import { html } from '../html.ts';
import type { Html } from '../html.ts';
import { chartsOf, topicsOf } from '../store/charts.ts';
import type { Topic } from '../store/charts.ts';
import { entriesAbout } from '../store/lists.ts';
import { chartFigure, chartFiles } from './chart.ts';
import { figure, shortDay } from './format.ts';
import { entriesTable, pageNumber, pager, pathOf, recordPage } from './record.ts';
import type { RecordView } from './record.ts';

const chartsShown = 6;

/** The kinds of results with their latest values, and charts of the most frequent; or, with `?of=`, one kind. */
export const resultsPage = (view: RecordView): string => {
  const topic = view.query.get('of');
  return topic === null ? allResults(view) : oneResult(view, topic);
};

const allResults = (view: RecordView): string => {
  const { db } = view.record.store;
  const topics = topicsOf(db, pageNumber(view.query));
  const charts = topics.rows.flatMap((row) => chartsOf(db, row.topic).map((chart) => ({ row, chart })));
  const content = html`<h1>Results</h1>
    ${topics.rows.length === 0 && html`<p role="status">This record has no results.</p>`}
    <div class="charts">
      ${charts.slice(0, chartsShown).map(({ row, chart }) => chartFigure(row.latest.title, chart))}
    </div>
    ${topics.rows.length > 0 && topicsTable(view, topics.rows)} ${pager(view, 'results', topics)}`;
  return recordPage(view, 'results', 'Results', content, chartFiles);
};

const topicsTable = ({ payer }: RecordView, topics: readonly Topic[]): Html =>
  html`<h2>All kinds of results</h2>
    <table class="stacked" aria-label="All kinds of results">
      <thead>
        <tr>
          <th scope="col">Result</th>
          <th scope="col">Latest value</th>
          <th scope="col">Date</th>
          <th scope="col" class="number">How many</th>
        </tr>
      </thead>
      <tbody>
        ${topics.map(
          ({ topic, count, latest }) =>
            html`<tr>
              <th scope="row"><a href="${pathOf(payer, 'results', { of: topic })}">${latest.title}</a></th>
              <td class="value">${latest.detail}</td>
              <td class="date">${shortDay(latest.date)}</td>
              <td class="number">${figure(count)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;

const oneResult = (view: RecordView, topic: string): string => {
  const { payer, record } = view;
  const entries = entriesAbout(record.store.db, topic, pageNumber(view.query));
  const title = entries.rows[0]?.title ?? 'No such result';
  const charts = chartsOf(record.store.db, topic);
  const label = { name: 'Result', detail: 'Value', label: 'All values' };
  const content = html`<h1>${title}</h1>
    <p><a href="${pathOf(payer, 'results')}">All results</a></p>
    ${charts.map((chart) => chartFigure(title, chart))}
    <h2>All values</h2>
    ${entries.rows.length === 0 ? html`<p role="status">There are none.</p>` : entriesTable(view, entries.rows, label)}
    ${pager(view, 'results', entries)}`;
  return recordPage(view, 'results', title, content, chartFiles);
};
