import { textOf } from '../fhir.ts';
import type { CodeableConcept } from '../fhir.ts';
import { html } from '../html.ts';
import type { Html } from '../html.ts';
import { entriesOf, nameOfReference, resourceOf } from '../store/lists.ts';
import { sections } from './lists.ts';
import { recordPage } from './record.ts';
import type { RecordView } from './record.ts';

interface Participant {
  readonly role?: readonly CodeableConcept[];
  readonly member?: unknown;
}

const teamsShown = 10;

/** Who takes care of the member, and when they met. */
export const carePage = (view: RecordView): string => {
  const types = [
    ['Encounter', 'Visits', 'Reason'],
    ['ServiceRequest', 'Orders', 'State'],
    ['Practitioner', 'Doctors and nurses', 'More'],
    ['Organization', 'Places of care and plans', 'More'],
  ] as const;
  const content = html`<h1>Care</h1>
    ${teams(view)} ${sections(view, types, 'This record names no visits and nobody who takes care of you.')}`;
  return recordPage(view, 'care', 'Care', content);
};

const teams = ({ record }: RecordView): readonly Html[] => {
  const { db } = record.store;
  return entriesOf(db, 'CareTeam', 1, teamsShown).rows.map((team) => {
    const { participant = [] } = resourceOf(db, team) as { participant?: readonly Participant[] };
    return html`<section class="card now" aria-label="${team.title}">
      <h2>${team.title}</h2>
      <dl class="people">
        ${participant.map(
          ({ role, member }) =>
            html`<div>
              <dt>${textOf(role?.[0]) ?? 'Member'}</dt>
              <dd>${nameOfReference(db, member) || 'Name not given'}</dd>
            </div>`,
        )}
      </dl>
    </section>`;
  });
};
