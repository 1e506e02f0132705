import { html } from '../html.ts';
import type { Html } from '../html.ts';
import { rangesOf, timelineOf } from '../store/timeline.ts';
import type { DayEvent, DayRange } from '../store/timeline.ts';
import { day, figure } from './format.ts';
import { plainWords } from './plain-words.ts';
import { pageNumber, pager, pathOf, recordPage } from './record.ts';
import type { RecordView } from './record.ts';

/** What a member may choose to see. */
const choices: Readonly<Record<string, { readonly name: string; readonly types: readonly string[] }>> = {
  all: { name: 'Everything', types: [] },
  results: { name: 'Results', types: ['Observation', 'DiagnosticReport', 'QuestionnaireResponse'] },
  visits: { name: 'Visits and procedures', types: ['Encounter', 'Procedure'] },
  conditions: { name: 'Conditions and allergies', types: ['Condition', 'AllergyIntolerance'] },
  medicines: {
    name: 'Medicines and vaccines',
    types: [
      'MedicationRequest',
      'MedicationDispense',
      'MedicationStatement',
      'MedicationAdministration',
      'Immunization',
    ],
  },
  plans: { name: 'Plans and goals', types: ['CarePlan', 'CareTeam', 'Goal', 'ServiceRequest'] },
  claims: { name: 'Claims', types: ['ExplanationOfBenefit', 'Claim', 'ClaimResponse', 'Coverage'] },
  documents: { name: 'Documents', types: ['DocumentReference'] },
};

/** What happened, the newest day first. */
export const timelinePage = (view: RecordView): string => {
  const { payer, record, query } = view;
  const asked = query.get('show') ?? 'all';
  const show = asked in choices ? asked : 'all';
  const events = timelineOf(record.store.db, choices[show]?.types ?? [], pageNumber(query));
  const days = [...Map.groupBy(events.rows, (event) => event.day)];
  const content = html`<h1>Timeline</h1>
    <form class="filter" method="get" action="${pathOf(payer, 'timeline')}">
      <label for="show">Show</label>
      <select id="show" name="show">
        ${Object.entries(choices).map(
          ([value, { name }]) => html`<option value="${value}" ${value === show && html`selected`}>${name}</option>`,
        )}
      </select>
      <button class="second">Show</button>
    </form>
    ${days.length === 0 && html`<p role="status">There is nothing here.</p>`}
    <ol class="timeline">
      ${days.map(
        ([date, of]) =>
          html`<li>
            <h2>${day(date)}</h2>
            <ul class="card">
              ${of.map((event) => eventItem(view, event))}
            </ul>
          </li>`,
      )}
    </ol>
    ${pager(view, 'timeline', events)}`;
  return recordPage(view, 'timeline', 'Timeline', content);
};

const eventItem = (view: RecordView, event: DayEvent): Html => {
  const { type, title, count, id, topic } = event;
  const several = count > 1 && topic !== null;
  const path = several ? pathOf(view.payer, 'results', { of: topic }) : pathOf(view.payer, 'entry', { type, id });
  return html`<li>
    <a href="${path}">${title}</a>
    <span class="kind">${plainWords(type)}</span>
    <span class="value">${count > 1 ? severalText(view, event) : event.detail}</span>
  </li>`;
};

const severalText = ({ record }: RecordView, event: DayEvent): string => {
  const ranges = rangesOf(record.store.db, event).map(rangeText);
  return [`${figure(event.count)} times`, ...ranges].join(', ');
};

const rangeText = ({ part, unit, lowest, highest }: DayRange): string => {
  const range = lowest === highest ? figure(lowest) : `${figure(lowest)} to ${figure(highest)}`;
  return `${part === '' ? '' : `${part} `}${range} ${unit}`.trim();
};
