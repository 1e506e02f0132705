import { instant } from '../../functions/shared/instant.ts';
import { exportAttributes } from '../../functions/shared/store/attributes.ts';
import { readExport, type Export } from '../../functions/shared/store/export-item.ts';
import { writeItem } from '../../functions/shared/store/items.ts';
import type { AuditBucket } from '../audit/audit-bucket.ts';
import { contested, contestedIds, factsOf, type EventFacts } from '../audit/event-facts.ts';
import { findEventsOfGrants } from '../audit/find-events.ts';
import { readItem } from '../shared/read-item.ts';
import type { RegistryTable } from '../shared/registry-table.ts';
import { instantIn } from '../shared/times.ts';
import type { FoundGrant } from './find-grants.ts';

/** How a read ended: `open` if its end is not in the audit yet, `unknown` if nothing will ever tell. */
export type ReadOutcome = 'complete' | 'refused' | 'failed' | 'unknown' | 'open';

/** A read of the record, or a step of an export. */
export interface ReadOfRecord {
  /** An instant. */
  readonly at: string;
  readonly partner: string;
  readonly grant: string;
  readonly request: string;
  readonly interaction: string;
  readonly outcome: ReadOutcome;
  /** HTTP status and error code. */
  readonly outcomeText: string;
  /** What left; of an export's job, what it put into sealed files. Undefined if nobody knows. */
  readonly bytes: number | undefined;
  /** What looks wrong with its evidence, in words; empty if nothing does. */
  readonly remark: string;
}

/** What happened to grants, and what was read with them, in order. */
export interface History {
  readonly grants: readonly FoundGrant[];
  readonly reads: readonly ReadOfRecord[];
  /** The last export of each grant that has one. */
  readonly exports: readonly Export[];
}

const outcomes: Readonly<Record<string, ReadOutcome>> = { '0': 'complete', '4': 'refused', '8': 'failed' };

/** One read from its events. A later end wins over an unknown one. */
const readOf = (events: readonly EventFacts[], isContested: boolean): ReadOfRecord | undefined => {
  const named = (name: string): EventFacts | undefined => events.find((event) => event.name === name);
  const [opened, ended, unknown] = [named('opened'), named('ended'), named('endUnknown')];
  const first = opened ?? ended ?? unknown;
  if (first === undefined) return undefined;
  const outcome =
    ended !== undefined
      ? (outcomes[ended.outcome ?? ''] ?? 'unknown')
      : unknown !== undefined
        ? 'unknown'
        : ('open' as const);
  return {
    at: first.recorded,
    partner: first.partner,
    grant: first.grant,
    request: first.request ?? '',
    interaction: first.interaction ?? '',
    outcome,
    outcomeText: (ended ?? unknown)?.outcomeText ?? '',
    bytes: ended?.bytes,
    remark: [
      ...events.flatMap(({ putBackAt }) => (putBackAt === undefined ? [] : [`put back ${putBackAt}`])).slice(0, 1),
      ...(isContested ? [contested] : []),
    ].join('; '),
  };
};

/** What every event of one read says alike. */
const aboutOf = ({ partner, payer, patient, interaction }: EventFacts): string =>
  JSON.stringify([partner, payer, patient, interaction]);

/** The read of a request. If its events contradict each other, nobody can tell which are true: each is shown. */
const readsFrom = (events: readonly EventFacts[]): (ReadOfRecord | undefined)[] => {
  const isContested = contestedIds(events).size > 0 || new Set(events.map(aboutOf)).size > 1;
  return isContested ? events.map((event) => readOf([event], true)) : [readOf(events, false)];
};

const byTime = (a: ReadOfRecord, b: ReadOfRecord): number => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0);

/** The reads in events, in order. */
export const readsOf = (events: readonly EventFacts[]): ReadOfRecord[] =>
  [
    ...Map.groupBy(
      events.filter(({ isRead }) => isRead),
      ({ grant, request }) => `${grant} ${request ?? ''}`,
    ).values(),
  ]
    .flatMap(readsFrom)
    .filter((read) => read !== undefined)
    .toSorted(byTime);

/** A grant with what the audit says about its end, where the table no longer does. */
const withEnd = (grant: FoundGrant, events: readonly EventFacts[]): FoundGrant => {
  const ends = events.filter((event) => event.grant === grant.grantId && event.name === 'revoked');
  const first = ends.find(({ id }) => contestedIds(ends).has(id));
  if (grant.state === 'ended' && first !== undefined) {
    // Nobody can tell which is true, so the report says what each says, the earliest in DynamoDB's own time first.
    const said = ends.map((one) => [one.recorded, one.reason, one.operator, one.note].filter(Boolean).join(' '));
    const note = `${contested}: ${said.join(' / ')}`;
    return { ...grant, end: { at: instantIn(first.recorded), reason: 'unknown', note } };
  }
  if (grant.state !== 'ended' || (grant.end !== undefined && grant.end.reason !== 'unknown')) return grant;
  const own = events.filter((event) => event.grant === grant.grantId);
  const revoked = own.find(({ name }) => name === 'revoked');
  if (revoked !== undefined) {
    const { recorded, reason = 'unknown', operator, note } = revoked;
    return { ...grant, end: { at: instantIn(recorded), reason, operator, note } };
  }
  const isRedeemed = own.some(({ name }) => name === 'redeemed');
  if (!isRedeemed) return { ...grant, end: { at: grant.createdAt, reason: 'unused' } };
  return { ...grant, end: { at: grant.endsAt, reason: 'expired' } };
};

const daySeconds = 86_400;
const dayOf = (seconds: number): string => instant(seconds).slice(0, 10);

/** The day after a grant's last possible event. */
const lastDayOf = ({ state, end, endsAt }: FoundGrant, today: string): string => {
  const at = state === 'ended' ? (end?.at ?? endsAt) : undefined;
  if (at === undefined) return today;
  const last = dayOf(at + daySeconds);
  return last < today ? last : today;
};

const firstDayOf = ({ createdAt }: FoundGrant): string => (createdAt === undefined ? '' : dayOf(createdAt));

const eventsOf = async (
  bucket: AuditBucket,
  grants: readonly FoundGrant[],
  today: string,
  onRead: (objects: number) => void,
): Promise<EventFacts[]> => {
  const events: EventFacts[] = [];
  for (const [partner, own] of Map.groupBy(grants, (grant) => grant.partner)) {
    const days = own.map((grant) => ({ first: firstDayOf(grant), last: lastDayOf(grant, today) }));
    const found = await findEventsOfGrants(
      bucket,
      {
        partner,
        grants: new Set(own.map(({ grantId }) => grantId)),
        since: days.map(({ first }) => first).toSorted()[0] ?? '',
        until:
          days
            .map(({ last }) => last)
            .toSorted()
            .at(-1) ?? today,
      },
      onRead,
    );
    events.push(...found.map(factsOf));
  }
  return events;
};

/** Reads the last export of a grant, if its item is still there. */
const readLastExport = async (table: RegistryTable, grantId: string): Promise<Export | undefined> => {
  const item = await readItem(table, writeItem(exportAttributes, { grantId }));
  return item === undefined ? undefined : readExport(item);
};

/**
 * Reads what the audit has about grants, and their last exports.
 * @param period days in UTC, both included, for reads; what happened to the grants themselves is read in full
 */
export const readHistory = async (
  { bucket, exports }: { readonly bucket: AuditBucket; readonly exports: RegistryTable },
  grants: readonly FoundGrant[],
  { since, until, today }: { readonly since: string | undefined; readonly until: string; readonly today: string },
  onRead: (objects: number) => void,
): Promise<History> => {
  const events = await eventsOf(bucket, grants, today, onRead);
  const inPeriod = ({ at }: ReadOfRecord): boolean => at.slice(0, 10) >= (since ?? '') && at.slice(0, 10) <= until;
  const last = await Promise.all(grants.map(({ grantId }) => readLastExport(exports, grantId)));
  return {
    grants: grants.map((grant) => withEnd(grant, events)),
    reads: readsOf(events).filter(inPeriod),
    exports: last.filter((one) => one !== undefined),
  };
};
