import { grantAttributes, grantEventAttributes } from '../../functions/shared/store/attributes.ts';
import { isLive, readGrant } from '../../functions/shared/store/grant-item.ts';
import { readerOf, type Item } from '../../functions/shared/store/items.ts';
import type { Known, KnownEvent } from './known-events.ts';

/*
 * What comes back of a copy, and what must not. The copy is of a second, the point:
 *
 *     ───── last event in the copy ────── point ───── loss ────── now
 *                                           └ what the audit knows ┘
 *
 * A grant comes back only as the very thing that its partner and its payer know: living, with its code redeemed, and
 * with no event after the last one of the copy. Otherwise it stays out, and its member signs in again:
 *
 *   - It ended since. It must not live again.
 *   - Its tokens were refreshed since. An older refresh token would be current again, and the partner's own would look
 *     like a stolen one.
 *   - The payer's tokens were refreshed since. The payer would take ours for a stolen one.
 *   - Its code was not redeemed at the point. It may have been since, and a code works once.
 *
 * Used client assertions come back until they expire, since an assertion works once.
 */

/** What becomes of an item of a copy. */
export type Fate =
  | 'putBack'
  /** A client assertion that was used, and has not expired. */
  | 'assertion'
  /** The code was not redeemed at the point. */
  | 'codeOpen'
  /** It has ended, according to the audit. */
  | 'endedSince'
  /** Something happened to it since, according to the audit. */
  | 'changedSince'
  /** It had ended before, or its time is over. */
  | 'over'
  /** It is no grant that this version can read. */
  | 'unreadable';

/**
 * How far the times of two events may be from the order of their writes: a refresh notes when it began, and the function
 * may run this long.
 */
const looseSeconds = 30;

/** The last event in an item of the copy. */
interface LastEvent {
  readonly type: string;
  readonly at: number;
  readonly requestId: string;
}

/** The last event of a grant's item; undefined if it has none that can be read. */
export const lastEventOf = (item: Item): LastEvent | undefined => {
  const read = readerOf(grantEventAttributes, item['lastEvent']?.M ?? {});
  const [type, at, requestId] = [read('type'), read('at'), read('requestId')];
  return type === undefined || at === undefined || requestId === undefined ? undefined : { type, at, requestId };
};

const isThis = (event: KnownEvent, { type, at, requestId }: LastEvent): boolean =>
  event.type === type && event.at === at && event.requestId === requestId;

/** Of a grant whose code was redeemed at the point: what happened before, and what leaves its tokens as they were. */
const changesNothing = new Set(['created', 'redeemed', 'indexed', 'restored', 'exportEnded']);

/**
 * Whether something happened to a grant after its last event in the copy. Payer tokens may be refreshed twice by one
 * request in one second, so two events that look like the last one count as a change.
 */
const hasChanged = (events: readonly KnownEvent[], last: LastEvent): boolean => {
  const changes = events.filter(
    (event) => !changesNothing.has(event.type) && event.writtenAt >= last.at - looseSeconds,
  );
  const same = changes.filter((event) => isThis(event, last));
  return same.length > 1 || changes.length > same.length;
};

/**
 * Decides what becomes of an item of a copy of Grants. Whatever is not known to be harmless stays out.
 * @param now epoch seconds
 */
export const decideFate = (item: Item, known: Known, now: number): Fate => {
  const read = readerOf(grantAttributes, item);
  const [grantId, expiresAt] = [read('grantId') ?? '', read('expiresAt')];
  if (expiresAt === undefined) return 'unreadable';
  if (grantId.startsWith('jti.')) return expiresAt > now ? 'assertion' : 'over';
  const last = lastEventOf(item);
  if (last === undefined || read('partner') === undefined || read('payer') === undefined) return 'unreadable';
  const grant = readGrant(item);
  const events = known.get(grantId) ?? [];
  if (!isLive(grant, now)) return 'over';
  if (events.some(({ type }) => type === 'revoked')) return 'endedSince';
  if (grant.redeemedAt === undefined) return 'codeOpen';
  return hasChanged(events, last) ? 'changedSince' : 'putBack';
};
