/** A limit for all environments together. */
export interface Rate {
  /** The sustained rate; below one for fewer than one turn a second. */
  readonly perSecond: number;
  /** The most at once, after a pause. */
  readonly burst: number;
  /** How long the caller would wait for its turn, in milliseconds. Omitted if it would not wait. */
  readonly aheadMs?: number;
}

/*
 * A limit as a time line: one slot every 1/perSecond, and each turn takes one. Only the time up to which slots are
 * taken is stored.
 *
 *        oldest                 now                       latest
 *   ───────┼─────────■───────────┼───────────────────────────┼──────►
 *     lost │  taken  │  free now │  may be taken in advance  │
 *          └───────── burst ─────┘
 *
 * A slot that nobody took is lost once it is older than the burst. An environment may take a batch of future slots and
 * uses each when its time comes. Under pressure each write then brings a batch, while environments that compete for the
 * free slots would mostly fail.
 */

/** How long an environment may keep unused slots, and how far ahead it may take some. */
export const keepMs = 10_000;
const aheadMs = 5000;
/** No environment takes a slot this far ahead. An item that says so is damaged. */
const damagedMs = 60_000;
/**
 * A batch is at most what the whole limit allows in this time: at 50 a second, twenty slots, so one write serves up to
 * twenty calls.
 */
const batchMs = 400;

/** Stored times are rounded, so a slot counts as free slightly early. */
export const roundingMs = 1;

/** A slot's length in milliseconds. */
export const slotMsOf = ({ perSecond }: Rate): number => 1000 / perSecond;

/** The most slots that one lease takes. At low limits it is one, and no slot is taken in advance. */
export const batchOf = ({ perSecond, burst }: Rate): number =>
  Math.max(1, Math.min(burst, Math.floor((perSecond * batchMs) / 1000)));

/**
 * By how many slots the burst may be exceeded: a tenth. An environment within the limit may hold that many, so that the
 * whole burst is left for the others.
 */
export const spareOf = ({ burst }: Rate): number => Math.floor(burst / 10);

/** The times that decide which slots may be taken now, epoch milliseconds. */
export interface Bounds {
  readonly oldestMs: number;
  readonly latestMs: number;
  readonly damagedMs: number;
}

const latestOf = (rate: Rate, nowMs: number): number => {
  if (rate.aheadMs !== undefined) return nowMs + rate.aheadMs - slotMsOf(rate);
  return batchOf(rate) > 1 ? nowMs + aheadMs : nowMs - slotMsOf(rate) + roundingMs;
};

/** The state of a limit's time line now. */
export const boundsOf = (rate: Rate, nowMs: number): Bounds => ({
  oldestMs: nowMs - rate.burst * slotMsOf(rate),
  latestMs: latestOf(rate, nowMs),
  damagedMs: nowMs + damagedMs,
});

/** How to take the next slots: after the taken ones, from the oldest that is not lost, or not yet. */
export type Way = 'follow' | 'restart' | 'wait';

/** @param takenUntilMs undefined if nothing is known to be taken */
export const wayOf = (takenUntilMs: number | undefined, bounds: Bounds): Way => {
  if (takenUntilMs === undefined || takenUntilMs < bounds.oldestMs || takenUntilMs > bounds.damagedMs) return 'restart';
  return takenUntilMs <= bounds.latestMs ? 'follow' : 'wait';
};

/** How many slots are free now, at most the burst. */
export const freeSlots = (rate: Rate, takenUntilMs: number | undefined, nowMs: number): number =>
  takenUntilMs === undefined
    ? rate.burst
    : Math.min(rate.burst, Math.max(0, Math.floor((nowMs + roundingMs - takenUntilMs) / slotMsOf(rate))));
