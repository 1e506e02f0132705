import { resourceText } from '../fhir.ts';
import { html } from '../html.ts';
import { jsonOf } from '../store/lists.ts';
import { plainWords } from './plain-words.ts';
import { pathOf, recordPage } from './record.ts';
import type { RecordView } from './record.ts';

/** One resource as the payer wrote it; undefined if there is none. */
export const entryPage = (view: RecordView): string | undefined => {
  const type = view.query.get('type') ?? '';
  const id = view.query.get('id') ?? '';
  const json = jsonOf(view.record.store.db, type, id);
  if (json === undefined) return undefined;
  const content = html`<h1>One of your ${plainWords(type).toLowerCase()}</h1>
    <p><a href="${pathOf(view.payer, 'list', { type })}">All of this kind</a></p>
    <p class="lead">This is what your plan sent, in the FHIR format. Every number is as your plan wrote it.</p>
    <pre class="card json" tabindex="0" aria-label="${type} ${id}">${resourceText(json)}</pre>`;
  return recordPage(view, undefined, plainWords(type), content);
};
