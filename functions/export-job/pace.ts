import type { Clock } from '../shared/deps.ts';
import { causeOf } from '../shared/errors.ts';
import type { LeaseSlots } from '../shared/limits/lease-slots.ts';
import type { TakeTurn } from '../shared/limits/limiter.ts';
import { slotMsOf, type Rate } from '../shared/limits/slots.ts';

interface PaceDeps {
  readonly lease: LeaseSlots;
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Uint8Array;
}

/** A turn that is older, in milliseconds, is given up. Otherwise a process that was held up would send out of turn. */
const latestMs = 100;

/** The rate at which turns are given, so that the payer's pace holds for any second although turns are used late. */
const slowed = ({ perSecond, burst }: Rate): Rate => ({ perSecond: (perSecond * 1000) / (1000 + latestMs), burst });

/** After this many refusals in a row, the pause between two attempts stops growing. */
const mostDoublings = 5;

/**
 * Takes turns of a payer's pace, which all exports share. Unlike the limiter of reads, it takes no turn while the table
 * is unreachable: no one is waiting for an export, and a payer must never get more requests than it allows. Exports
 * that find no turn try less and less often, at random times, so that hundreds can share one payer.
 */
export const paceTurns = ({ lease, clock, randomBytes }: PaceDeps): TakeTurn => {
  let seenMs: number | undefined;
  let crowded = false;
  let refusals = 0;
  let refusedUntilAt = -Infinity;

  return async (key, pace) => {
    const rate = slowed(pace);
    const refused = { taken: false, remaining: 0, resetSeconds: 1 };
    if (clock.monotonic() < refusedUntilAt) return refused;
    const pause = (): void => {
      const longest = refusals === 0 ? 0 : slotMsOf(rate) * 2 ** (refusals - 1);
      refusedUntilAt = clock.monotonic() + longest * (0.5 + randomBytes(1)[0]! / 512);
    };
    let failure: { readonly failure?: string } = {};
    try {
      const answer = await lease({ key, rate, slots: 1, now: clock.now, seenMs, crowded });
      ({ takenUntilMs: seenMs, crowded } = answer);
      if (answer.fromMs !== undefined) {
        if (clock.now() - answer.takenUntilMs > latestMs) return refused;
        // An export that got a turn pauses nearly as long as the others, so that it does not get the next turn too.
        pause();
        refusals = Math.max(0, refusals - 1);
        return { ...refused, taken: true };
      }
    } catch (error) {
      failure = { failure: causeOf(error) };
    }
    refusals = Math.min(refusals + 1, mostDoublings);
    pause();
    return { ...refused, ...failure };
  };
};
