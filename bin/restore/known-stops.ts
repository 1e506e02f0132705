import { systems, type AuditEvent } from '../../functions/audit/audit-event.ts';
import { entryIds } from '../../functions/shared/registry/entry-items.ts';
import type { AuditBucket } from '../audit/audit-bucket.ts';
import { claimedAtOf, detailOf, idOf, nameOf, versionOf } from '../audit/event-facts.ts';
import { findEvents } from '../audit/find-events.ts';
import { instantIn } from '../shared/times.ts';
import { lastDay } from './known-events.ts';

/** A block or a pause that no later event has ended. */
export interface KnownStop {
  readonly entryId: string;
  /** What its item says, epoch seconds. */
  readonly at: number;
  /** The item's version since then; 0 if the audit does not say. */
  readonly version: number;
  /** When a pause ends by itself. */
  readonly until: number | undefined;
  readonly by: string;
  readonly reason: string;
}

const begins = new Set(['blocked', 'paused']);

/**
 * Whether an operator ended a stop. An end that names none is the loss itself: somebody overwrote the item, with an
 * older copy of it perhaps.
 */
const isEnd = (event: AuditEvent): boolean =>
  ['unblocked', 'resumed'].includes(nameOf(event)) && idOf(event, systems.operator) !== undefined;

const entryIdOf = (event: AuditEvent): string | undefined => {
  const isPartner = ['blocked', 'unblocked'].includes(nameOf(event));
  const id = idOf(event, isPartner ? systems.partner : systems.payer);
  if (id === undefined) return undefined;
  return isPartner ? entryIds.partner(id) : entryIds.payer(id);
};

const secondOf = (event: AuditEvent): number => Math.floor(Date.parse(event.recorded) / 1000);

const stopIn = (entryId: string, event: AuditEvent): KnownStop => {
  const until = detailOf(event, 'until');
  return {
    entryId,
    at: claimedAtOf(event),
    version: versionOf(event),
    until: until === undefined ? undefined : instantIn(until),
    by: idOf(event, systems.operator) ?? 'unknown',
    reason: detailOf(event, 'reason') ?? '',
  };
};

/** Whether nothing tells which of two events was first: they have the same second, and no two versions. */
const isTie = (before: AuditEvent, event: AuditEvent): boolean =>
  secondOf(before) === secondOf(event) && (versionOf(before) === 0 || versionOf(before) === versionOf(event));

/**
 * The stops that hold according to the audit, from its first day on: the last event of each payer and partner counts. Of
 * two whose order is unknown, the stop wins.
 * @param now epoch seconds
 */
export const knownStops = async (bucket: AuditBucket, now: number): Promise<readonly KnownStop[]> => {
  const events = await findEvents(bucket, { until: lastDay });
  const last = new Map<string, AuditEvent>();
  for (const event of events) {
    const entryId = entryIdOf(event);
    if (entryId === undefined || (!isEnd(event) && !begins.has(nameOf(event)))) continue;
    const before = last.get(entryId);
    if (before === undefined || !isEnd(event) || !isTie(before, event)) last.set(entryId, event);
  }
  return [...last]
    .flatMap(([entryId, event]) => (isEnd(event) ? [] : [stopIn(entryId, event)]))
    .filter(({ until }) => until === undefined || until > now);
};
