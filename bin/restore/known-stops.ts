import { systems, type AuditEvent } from '../../functions/audit/audit-event.ts';
import { entryIds } from '../../functions/shared/registry/entry-items.ts';
import type { AuditBucket } from '../audit/audit-bucket.ts';
import { detailOf, idOf, nameOf } from '../audit/event-facts.ts';
import { findEvents } from '../audit/find-events.ts';
import { instantIn } from '../shared/times.ts';
import { lastDay } from './known-events.ts';

/** A block or a pause that no later event has ended. */
export interface KnownStop {
  readonly entryId: string;
  /** Epoch seconds. */
  readonly at: number;
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

const stopIn = (entryId: string, event: AuditEvent): KnownStop => {
  const until = detailOf(event, 'until');
  return {
    entryId,
    at: Math.floor(Date.parse(event.recorded) / 1000),
    until: until === undefined ? undefined : instantIn(until),
    by: idOf(event, systems.operator) ?? 'unknown',
    reason: detailOf(event, 'reason') ?? '',
  };
};

/**
 * The stops that hold according to the audit, from its first day on: the last event of each payer and partner counts. Of
 * two in the same second, the one that stops counts.
 * @param now epoch seconds
 */
export const knownStops = async (bucket: AuditBucket, now: number): Promise<readonly KnownStop[]> => {
  const events = await findEvents(bucket, { of: 'registry', since: undefined, until: lastDay });
  const last = new Map<string, { readonly at: number; readonly stop: KnownStop | undefined }>();
  for (const event of events) {
    const [entryId, at] = [entryIdOf(event), Math.floor(Date.parse(event.recorded) / 1000)];
    const ends = isEnd(event);
    if (entryId === undefined || (!ends && !begins.has(nameOf(event)))) continue;
    const before = last.get(entryId);
    if (before !== undefined && (before.at > at || (before.at === at && ends))) continue;
    last.set(entryId, { at, stop: ends ? undefined : stopIn(entryId, event) });
  }
  return [...last.values()].flatMap(({ stop }) =>
    stop === undefined || (stop.until !== undefined && stop.until <= now) ? [] : [stop],
  );
};
