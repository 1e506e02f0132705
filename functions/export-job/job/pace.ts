import type { Clock } from '../../shared/clock.ts';
import type { LeaseSlots } from '../../shared/limits/lease-slots.ts';

interface PaceDeps {
  readonly lease: LeaseSlots;
  readonly clock: Clock;
  readonly sleep: (ms: number) => Promise<void>;
  readonly randomBytes: (size: number) => Uint8Array;
}

interface Waiting {
  /** The monotonic time after which it stops asking for a turn. */
  readonly untilAt: number;
  /** Whether the turn is still wanted. Asked shortly before the turn comes, so that a slow answer costs the turn, not the pace. */
  readonly isWanted: () => Promise<boolean>;
}

/**
 * Waits for a turn of a payer's pace, which all exports share: `none` if none came in time, `unwanted` if the turn is no
 * longer wanted.
 * @throws whatever `isWanted` throws
 */
export type WaitForTurn = (payer: string, perSecond: number, waiting: Waiting) => Promise<'turn' | 'none' | 'unwanted'>;

/** An export does not take a turn that is further away than this, in milliseconds. */
const aheadMs = 15_000;

/** A turn that is older than this, in milliseconds, is given up. Otherwise a process that was held up would send out of turn. */
const latestMs = 100;

/** How long the table may take. Nobody waits for an export, and a call that is repeated too soon only adds to the load. */
export const paceLeaseTimes = { tryMs: 3000, wholeMs: 10_000 };

/** If the table is slow, turns are asked for at most this far ahead, in milliseconds. */
const longestLeadMs = 5000;

/** The longest pause before asking again if the queue is too long, in milliseconds. The shortest is half of it. */
const pauseMs = 2000;

/**
 * Gives each export the next free turn, and waits until that turn comes: first come, first served, with one write for
 * each turn. Turns are spaced slightly wider than the pace requires, so that no second has too many requests even if some
 * turns are used late. While the table cannot be reached, no turn is given. The limiter of reads does otherwise, since a
 * member waits for a read; nobody waits for an export, and a payer must never get more requests than it allows.
 */
export const paceTurns = ({ lease, clock, sleep, randomBytes }: PaceDeps): WaitForTurn => {
  /** Up to when each payer's turns were taken, as last seen. */
  const seen = new Map<string, number>();
  /** Turns are asked for this far ahead, so that a turn has not passed by the time the table answers. */
  let leadMs = 0;

  /** Takes the next turn. Returns its time in epoch milliseconds, or undefined if the queue is too long. */
  const nextTurn = async (payer: string, perSecond: number): Promise<number | undefined> => {
    const rate = { perSecond: (perSecond * 1000) / (1000 + latestMs), burst: 1, aheadMs };
    const now = (): number => clock.now() + leadMs;
    const askedAt = clock.monotonic();
    try {
      const answer = await lease({
        key: `pace#${payer}`,
        rate,
        needed: 1,
        slots: 1,
        alone: false,
        ahead: false,
        now,
        seenMs: seen.get(payer),
        crowded: true,
      });
      seen.set(payer, answer.takenUntilMs);
      return answer.fromMs === undefined ? undefined : answer.takenUntilMs;
    } catch {
      return undefined;
    } finally {
      leadMs = Math.min(2 * (clock.monotonic() - askedAt), longestLeadMs);
    }
  };

  const sleepUntil = async (ms: number): Promise<void> => {
    const waitMs = ms - clock.now();
    if (waitMs > 0) await sleep(waitMs);
  };

  return async (payer, perSecond, { untilAt, isWanted }) => {
    for (;;) {
      const turnMs = await nextTurn(payer, perSecond);
      if (turnMs === undefined) await sleep(pauseMs * (0.5 + randomBytes(1)[0]! / 512));
      else {
        await sleepUntil(turnMs - leadMs);
        if (!(await isWanted())) return 'unwanted';
        await sleepUntil(turnMs);
        if (clock.now() - turnMs <= latestMs) return 'turn';
      }
      if (clock.monotonic() >= untilAt) return 'none';
    }
  };
};
