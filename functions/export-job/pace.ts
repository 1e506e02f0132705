import type { Clock } from '../shared/deps.ts';
import type { LeaseSlots } from '../shared/limits/lease-slots.ts';

interface PaceDeps {
  readonly lease: LeaseSlots;
  readonly clock: Clock;
  readonly sleep: (ms: number) => Promise<void>;
  readonly randomBytes: (size: number) => Uint8Array;
}

/**
 * Waits for a turn of a payer's pace, which all exports share. Returns false if there is none in time.
 * @param untilAt the monotonic time after which it no longer looks for a turn
 */
export type WaitForTurn = (payer: string, perSecond: number, untilAt: number) => Promise<boolean>;

/** An export queues for a turn this far ahead, in milliseconds. */
const aheadMs = 15_000;

/** A turn that is older, in milliseconds, is given up. Otherwise a process that was held up would send out of turn. */
const latestMs = 100;

/** How long the table may take. Nobody waits for an export, and a call that is sent again too soon adds to a table's load. */
export const paceLeaseTimes = { tryMs: 3000, wholeMs: 10_000 };

/** The furthest ahead that a turn is asked for because the table is slow, in milliseconds. */
const longestLeadMs = 5000;

/** The longest pause before the next look at a queue that is too long. The shortest is half of it. */
const pauseMs = 2000;

/**
 * Gives each export the next free turn, and waits until it comes: first come, first served, with one write for each turn.
 * Turns are a little further apart than the pace asks for, so that it holds for any second although turns are used late.
 * Unlike the limiter of reads, it gives no turn while the table is out of reach: no one is waiting for an export, and a
 * payer must never get more requests than it allows.
 */
export const paceTurns = ({ lease, clock, sleep, randomBytes }: PaceDeps): WaitForTurn => {
  let seenMs: number | undefined;
  /** A turn is asked for so much ahead that it has not passed when the table answers. */
  let leadMs = 0;

  /** Takes the next turn, and returns when it is, in epoch milliseconds; undefined if the queue is too long. */
  const nextTurn = async (payer: string, perSecond: number): Promise<number | undefined> => {
    const rate = { perSecond: (perSecond * 1000) / (1000 + latestMs), burst: 1, aheadMs };
    const now = (): number => clock.now() + leadMs;
    const askedAt = clock.monotonic();
    try {
      const answer = await lease({ key: `pace#${payer}`, rate, slots: 1, now, seenMs, crowded: true });
      seenMs = answer.takenUntilMs;
      return answer.fromMs === undefined ? undefined : answer.takenUntilMs;
    } catch {
      return undefined;
    } finally {
      leadMs = Math.min(2 * (clock.monotonic() - askedAt), longestLeadMs);
    }
  };

  return async (payer, perSecond, untilAt) => {
    for (;;) {
      const turnMs = await nextTurn(payer, perSecond);
      const waitMs = turnMs === undefined ? pauseMs * (0.5 + randomBytes(1)[0]! / 512) : turnMs - clock.now();
      if (waitMs > 0) await sleep(waitMs);
      if (turnMs !== undefined && clock.now() - turnMs <= latestMs) return true;
      if (clock.monotonic() >= untilAt) return false;
    }
  };
};
