import { systems, type AuditEvent } from '../../functions/audit/audit-event.ts';
import { compareTexts } from '../../functions/shared/compare-texts.ts';
import { inColumns } from '../shared/columns.ts';
import { factsOf, idOf, type EventFacts } from './event-facts.ts';
import { exchangeFactsOf } from './exchange-facts.ts';

/** A member in the events of one partner. */
interface Member {
  readonly payer: string;
  /** The patient's id at the payer. Without one only the partner knows whose record it was. */
  readonly patient: string | undefined;
  /** How many reads were started with these grants. */
  readonly reads: number;
  readonly grants: readonly string[];
  /** The exchanges in which the payer named the member in a match, and those in which the member's record came. */
  readonly matched: readonly string[];
  readonly exchanged: readonly string[];
  /** Instants of the first event and of the last. */
  readonly first: string;
  readonly last: string;
}

type Fact = EventFacts & { readonly exchange?: 'matched' | 'exchanged' | 'nothing' };

/**
 * The facts of an event, by member. Of an exchange they are those of each member whom the payer named; its downloads have all
 * members' records, and say nothing of one.
 */
const factsIn = (event: AuditEvent): Fact[] => {
  const facts = factsOf(event);
  if (idOf(event, systems.exchange) === undefined) return [facts];
  const exchanged = exchangeFactsOf(event);
  if (exchanged?.name !== 'came') return [];
  return exchanged.members.flatMap(({ patient, outcome, resources = 0 }) =>
    patient === undefined
      ? []
      : [
          {
            ...facts,
            patient,
            isRead: false,
            exchange:
              exchanged.kind === 'match'
                ? ('matched' as const)
                : outcome === 'exported' && resources > 0
                  ? ('exchanged' as const)
                  : ('nothing' as const),
          },
        ],
  );
};

const idsOf = (facts: readonly Fact[], of: Fact['exchange']): string[] =>
  [...new Set(facts.filter(({ exchange }) => exchange === of).map(({ grant }) => grant))].toSorted(compareTexts);

/** How many members were only named in an exchange, without any of their records arriving. */
export const countUnread = (members: readonly Member[]): number =>
  members.filter(({ grants, exchanged }) => grants.length + exchanged.length === 0).length;

/**
 * Lists the members in events, each once for each payer, in the order of payers and ids. Without a patient's id, each grant
 * is a member.
 */
export const membersIn = (events: readonly AuditEvent[]): readonly Member[] => {
  const facts = events.flatMap(factsIn);
  // What is refused before a patient is known has no id of its own.
  const patients = new Map(
    facts.flatMap(({ grant, patient, exchange }) =>
      patient === undefined || exchange !== undefined ? [] : [[grant, patient] as const],
    ),
  );
  const patientOf = ({ grant, patient }: Fact): string | undefined => patient ?? patients.get(grant);
  const of = Map.groupBy(facts, (fact) =>
    JSON.stringify([fact.payer, patientOf(fact) ?? null, patientOf(fact) !== undefined || fact.grant]),
  );
  return [...of.values()]
    .map((all): Member => {
      const times = all.map(({ recorded }) => recorded).toSorted((a, b) => Date.parse(a) - Date.parse(b));
      const [first] = all as [Fact];
      return {
        payer: first.payer,
        patient: patientOf(first),
        reads: new Set(all.flatMap(({ isRead, request, id }) => (isRead ? [request ?? id] : []))).size,
        grants: idsOf(all, undefined),
        matched: idsOf(all, 'matched'),
        exchanged: idsOf(all, 'exchanged'),
        first: times[0]!,
        last: times.at(-1)!,
      };
    })
    .toSorted((a, b) => compareTexts(`${a.payer} ${a.patient ?? ''}`, `${b.payer} ${b.patient ?? ''}`));
};

const heads = ['PAYER', 'PATIENT', 'READS', 'GRANTS', 'MATCHED', 'EXCHANGED', 'FIRST', 'LAST'] as const;

/** Members as lines for a person, in columns with a heading. */
export const membersTable = (members: readonly Member[]): string[] =>
  inColumns([
    heads,
    ...members.map(({ payer, patient = '?', reads, grants, matched, exchanged, first, last }) => [
      payer,
      patient,
      String(reads),
      String(grants.length),
      String(matched.length),
      String(exchanged.length),
      first,
      last,
    ]),
  ]);
