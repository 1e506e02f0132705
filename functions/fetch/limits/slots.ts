/** What is allowed of one thing, fleet-wide. */
export interface Rate {
  /** In the long run; below one where a turn takes longer than a second. */
  readonly perSecond: number;
  /** How many at once after a pause. */
  readonly burst: number;
}

/*
 * A limit as a line of time: one slot each 1/perSecond, and each turn takes one. All that is stored is how far the slots
 * are taken.
 *
 *        oldest                 now                       latest
 *   ───────┼─────────■───────────┼───────────────────────────┼──────►
 *     lost │  taken  │  free now │  may be taken in advance  │
 *          └───────── burst ─────┘
 *
 * A slot that nobody took is lost once it is older than the burst. Where leases are batches, an environment may take slots
 * that are yet to come, and uses each when its time has come: under pressure each write then brings a batch, where
 * environments that competed for what is free now would mostly write in vain.
 */

/** How long an environment may keep slots that it does not use, and how far ahead it may take some. */
export const keepMs = 10_000;
const aheadMs = 5000;
/** No environment takes a slot so far ahead: where it is said so, the item is damaged. */
const damagedMs = 60_000;
/** A batch is at most what the whole limit allows in this time: at 50 a second twenty slots, so that a write serves up to twenty calls. */
const batchMs = 400;

/** Stored times are rounded: a slot counts as free a little early. */
export const roundingMs = 1;

/** A slot's length in milliseconds. */
export const slotMsOf = ({ perSecond }: Rate): number => 1000 / perSecond;

/** The most slots that one lease takes. At low limits it is one, and no slot is taken in advance. */
export const batchOf = ({ perSecond, burst }: Rate): number =>
  Math.max(1, Math.min(burst, Math.floor((perSecond * batchMs) / 1000)));

/** The times that decide which slots may be taken now, epoch milliseconds. */
export interface Bounds {
  readonly oldestMs: number;
  readonly latestMs: number;
  readonly damagedMs: number;
}

/** Where a limit's line stands now. */
export const boundsOf = (rate: Rate, nowMs: number): Bounds => ({
  oldestMs: nowMs - rate.burst * slotMsOf(rate),
  latestMs: batchOf(rate) > 1 ? nowMs + aheadMs : nowMs - slotMsOf(rate) + roundingMs,
  damagedMs: nowMs + damagedMs,
});

/** How the next slots are taken: behind those that are taken, or from the oldest that is not lost; or not yet. */
export type Way = 'follow' | 'restart' | 'wait';

/** @param takenUntilMs undefined where nothing is known to be taken */
export const wayOf = (takenUntilMs: number | undefined, bounds: Bounds): Way => {
  if (takenUntilMs === undefined || takenUntilMs < bounds.oldestMs || takenUntilMs > bounds.damagedMs) return 'restart';
  return takenUntilMs <= bounds.latestMs ? 'follow' : 'wait';
};

/** How many slots are free now, at most the burst. */
export const freeSlots = (rate: Rate, takenUntilMs: number | undefined, nowMs: number): number =>
  takenUntilMs === undefined
    ? rate.burst
    : Math.min(rate.burst, Math.max(0, Math.floor((nowMs + roundingMs - takenUntilMs) / slotMsOf(rate))));
