import { attachmentsOf } from '../attachments.ts';
import { html } from '../html.ts';
import type { Html } from '../html.ts';
import { entriesOf, resourceOf } from '../store/lists.ts';
import type { Entry } from '../store/lists.ts';
import { shortDay } from './format.ts';
import { pageNumber, pager, pathOf, recordPage } from './record.ts';
import type { RecordView } from './record.ts';

/** Notes and reports, to download. */
export const documentsPage = (view: RecordView): string => {
  const { db } = view.record.store;
  const documents = entriesOf(db, 'DocumentReference', pageNumber(view.query));
  const reports = entriesOf(db, 'DiagnosticReport', pageNumber(view.query)).rows.filter(
    (report) => attachmentsOf(resourceOf(db, report)).length > 0,
  );
  const all = [...documents.rows, ...reports];
  const content = html`<h1>Documents</h1>
    ${all.length === 0 ? html`<p role="status">This record has no documents.</p>` : table(view, all)}
    ${pager(view, 'documents', documents)}`;
  return recordPage(view, 'documents', 'Documents', content);
};

const table = (view: RecordView, documents: readonly Entry[]): Html =>
  html`<table class="stacked" aria-label="Documents">
    <thead>
      <tr>
        <th scope="col">Document</th>
        <th scope="col">Date</th>
        <th scope="col">Download</th>
      </tr>
    </thead>
    <tbody>
      ${documents.map(
        (document) =>
          html`<tr>
            <th scope="row">${document.title}</th>
            <td class="date">${shortDay(document.date)}</td>
            <td>${links(view, document)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;

const links = ({ payer, record }: RecordView, { type, id, title, date }: Entry): readonly Html[] =>
  attachmentsOf(resourceOf(record.store.db, { type, id })).map(
    ({ contentType, size }, index) =>
      html`<a href="${pathOf(payer, 'attachment', { type, id, n: index })}" download
          >Download<span class="hidden"> ${title} of ${shortDay(date)}</span></a
        >
        <span class="quiet">${[contentType.split(';')[0], size].filter(Boolean).join(', ')}</span> `,
  );
