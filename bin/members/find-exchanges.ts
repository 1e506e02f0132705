import type { Member } from '../../functions/shared/store/member-index.ts';
import type { AuditBucket } from '../audit/audit-bucket.ts';
import { factsOf, type EventFacts } from '../audit/event-facts.ts';
import { exchangeFactsOf, type ExchangedMember, type ExchangeFacts } from '../audit/exchange-facts.ts';
import { findEventsOfExchanges } from '../audit/find-events.ts';
import { readsOf, type ReadOfRecord } from './history.ts';

/** An exchange between plans that the member was in. */
export interface MemberExchange {
  readonly exchange: string;
  readonly kind: 'match' | 'group';
  readonly partner: string;
  readonly payer: string;
  /** The payer's id of the Group that a match has made, or that was exported. */
  readonly group: string | undefined;
  /** When it was asked, and when the answer came; instants. */
  readonly asked: string | undefined;
  readonly came: string | undefined;
  /** How it ended. */
  readonly how: string | undefined;
  /** The member's latest outcome in the audit. If the exchange has several ends, that of the one by which the new plan has the most. */
  readonly about: ExchangedMember;
  /** Whether the plan was once said to know the member: the Group may be there, however the exchange ended. */
  readonly isMatched: boolean;
  /** When an operator ended the member, or all of it, an instant; who, and why. */
  readonly ended: { readonly at: string; readonly operator: string; readonly note: string } | undefined;
  /** The partner's downloads of its files. They contain other members' records too. */
  readonly downloads: readonly ReadOfRecord[];
}

const aboutOf = ({ members }: ExchangeFacts, patient: string, submitted: string | undefined) =>
  members.find((one) => one.patient === patient) ??
  members.find((one) => submitted !== undefined && one.submitted === submitted);

/** Orders ends by what the new plan has of the member: resources, that the former plan knows the member, an answer, nothing. */
const given = ({ outcome, resources = 0 }: ExchangedMember): number => {
  if (outcome === 'exported') return 3 + resources;
  if (outcome === 'match') return 2;
  return outcome === 'notDelivered' ? 0 : 1;
};

/** The member in the events of one exchange; undefined if the payer never named this patient in it. */
const exchangeOf = (
  events: readonly ExchangeFacts[],
  patient: string,
  downloads: readonly ReadOfRecord[],
): MemberExchange | undefined => {
  const named = events.flatMap(({ members }) => members).find((one) => one.patient === patient);
  if (named === undefined) return undefined;
  const all = (name: ExchangeFacts['name']) =>
    events.flatMap((event) => {
      const about = event.name === name ? aboutOf(event, patient, named.submitted) : undefined;
      return about === undefined ? [] : [{ ...event, about }];
    });
  const last = (name: ExchangeFacts['name']) => all(name).at(-1);
  const [asked, memberEnded] = [last('asked'), last('memberEnded')];
  // An exchange can have several ends in the audit, and whoever may write the table can add some. What one of them gave was given.
  const came = all('came')
    .toSorted((one, other) => given(one.about) - given(other.about))
    .at(-1);
  const first = came ?? asked ?? memberEnded;
  if (first === undefined) return undefined;
  const ended = memberEnded ?? events.findLast(({ name }) => name === 'exchangeEnded');
  const [before, after] = [asked?.about, came?.about];
  const { exchange, kind, partner, payer, group } = first;
  return {
    exchange,
    kind,
    partner,
    payer,
    group: group ?? asked?.group,
    asked: asked?.recorded,
    came: came?.recorded,
    how: came?.how,
    isMatched: events.some(({ members }) => members.some((one) => one.patient === patient && one.outcome === 'match')),
    about: {
      patient,
      submitted: named.submitted,
      outcome: (after ?? before ?? named).outcome,
      consent: (before ?? named).consent ?? after?.consent,
      consentHash: (before ?? named).consentHash ?? after?.consentHash,
      resources: after?.resources,
    },
    ended:
      ended === undefined
        ? undefined
        : { at: ended.recorded, operator: ended.operator ?? 'unknown', note: ended.note ?? '' },
    downloads,
  };
};

/** What left the gateway with the files of an exchange. */
const isDownload = ({ interaction = '' }: EventFacts): boolean => /^export file\b/.test(interaction);

/**
 * Finds the exchanges at a payer that the member was in, by the payer's id of the patient, in order.
 * @param until the last day, UTC
 */
export const findExchanges = async (
  bucket: AuditBucket,
  { payer, patient }: Member,
  { since, until }: { readonly since?: string | undefined; readonly until: string },
  onRead: (objects: number) => void = () => undefined,
): Promise<MemberExchange[]> => {
  const found = await findEventsOfExchanges(bucket, { payer, since: since ?? '', until }, onRead);
  const events = found.map(exchangeFactsOf).filter((one) => one !== undefined);
  const reads = Map.groupBy(readsOf(found.map(factsOf).filter(isDownload)), ({ grant }) => grant);
  return [...Map.groupBy(events, ({ exchange }) => exchange)].flatMap(
    ([exchange, own]) => exchangeOf(own, patient, reads.get(exchange) ?? []) ?? [],
  );
};
