import { html } from '../html.ts';
import type { Html } from '../html.ts';
import { entriesOf } from '../store/lists.ts';
import { plainWords } from './plain-words.ts';
import { entriesTable, pageNumber, pager, pathOf, recordPage } from './record.ts';
import type { RecordView } from './record.ts';

const shown = 20;

/** The first entries of a type and the way to the others; nothing if there are none. */
const section = (view: RecordView, type: string, title: string, detail: string): Html | undefined => {
  const { rows, hasMore } = entriesOf(view.record.store.db, type, 1, shown);
  if (rows.length === 0) return undefined;
  return html`<section aria-label="${title}">
    <h2>${title}</h2>
    ${entriesTable(view, rows, { name: 'What', detail, label: title })}
    ${
      hasMore &&
      html`<p><a href="${pathOf(view.payer, 'list', { type })}">All<span class="hidden"> ${title}</span></a></p>`
    }
  </section>`;
};

/** The sections of the types that the record has, or a sentence. */
export const sections = (
  view: RecordView,
  types: readonly (readonly [type: string, title: string, detail: string])[],
  nothing: string,
): readonly Html[] => {
  const found = types.flatMap(([type, title, detail]) => section(view, type, title, detail) ?? []);
  return found.length === 0 ? [html`<p role="status">${nothing}</p>`] : found;
};

const ofHealth = [
  ['Condition', 'Conditions', 'State'],
  ['AllergyIntolerance', 'Allergies', 'Reaction'],
  ['MedicationRequest', 'Prescriptions', 'How to take it'],
  ['MedicationStatement', 'Medicines taken', 'State'],
  ['MedicationDispense', 'Dispensed medicines', 'How much'],
  ['Immunization', 'Vaccinations', 'Dose'],
  ['Procedure', 'Procedures', 'Reason'],
  ['Goal', 'Goals', 'State'],
  ['CarePlan', 'Care plans', 'State'],
  ['Device', 'Devices', 'State'],
] as const;

/** Conditions, allergies, medicines, vaccines and what is done about them. */
export const healthPage = (view: RecordView): string => {
  const nothing = 'This record names no conditions, allergies, medicines or vaccines.';
  return recordPage(view, 'health', 'Health', html`<h1>Health</h1>${sections(view, ofHealth, nothing)}`);
};

/** All entries of one type. */
export const listPage = (view: RecordView): string => {
  const type = view.query.get('type') ?? '';
  const title = plainWords(type);
  const found = entriesOf(view.record.store.db, type, pageNumber(view.query));
  const label = { name: 'What', detail: 'More', label: title };
  const content = html`<h1>${title}</h1>
    ${
      found.rows.length === 0
        ? html`<p role="status">There are none on this page.</p>`
        : entriesTable(view, found.rows, label)
    }
    ${pager(view, 'list', found)}`;
  return recordPage(view, undefined, title, content);
};
