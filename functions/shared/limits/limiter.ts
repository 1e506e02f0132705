import type { Clock } from '../clock.ts';
import { causeOf } from '../errors.ts';
import { leaseFromMemory, type LeaseSlots } from './lease-slots.ts';
import { batchOf, boundsOf, freeSlots, keepMs, roundingMs, slotMsOf, spareOf, type Rate } from './slots.ts';

/** The state of a limit for one call. */
export interface Turn {
  /** Whether the call may go on. */
  readonly taken: boolean;
  /** How many more calls could go on now, as far as this environment knows. */
  readonly remaining: number;
  /** Until the next call can go on, if none remain; else until the whole burst is free. At least one. */
  readonly resetSeconds: number;
  /** Why the table could not be reached, on the call that noticed it. */
  readonly failure?: string;
}

/** Takes one turn of a limit, by its key. Never throws. */
export type TakeTurn = (key: string, rate: Rate) => Promise<Turn>;

interface LimiterDeps {
  readonly lease: LeaseSlots;
  readonly clock: Clock;
}

/**
 * After a failure the environment limits by itself for this long, so that not every call waits for a table that is
 * down.
 */
const aloneMs = 5000;

/** What an environment knows about one limit. Times ending in `At` are on its monotonic clock. */
interface Standing {
  /** Our slots: how many are left, the time of the next, and when we must give them up. */
  held: { left: number; nextAt: number; endsAt: number };
  /** Up to when slots were taken in the store when we last saw it, in the store's time. */
  takenUntilMs: number | undefined;
  /** Whether others took slots between our last two leases. */
  crowded: boolean;
  /** Until then others may take slots too. */
  sharedUntilAt: number;
  /** Until then calls are refused without asking. */
  refusedUntilAt: number;
  /** Until then the caller is over its limit, as a refusal showed. */
  overUntilAt: number;
  aloneUntilAt: number;
  /** When the latest turns were taken. */
  uses: number[];
  /** How many calls wait for a lease. */
  waiting: number;
  /** The lease that they share. */
  leasing: Promise<string | undefined> | undefined;
}

const noStanding = (): Standing => ({
  held: { left: 0, nextAt: 0, endsAt: -Infinity },
  takenUntilMs: undefined,
  crowded: false,
  sharedUntilAt: -Infinity,
  refusedUntilAt: -Infinity,
  overUntilAt: -Infinity,
  aloneUntilAt: -Infinity,
  uses: [],
  waiting: 0,
  leasing: undefined,
});

/** More than were used recently: within the limit twice as many, though at most a tenth of the burst may be held. */
const slotsToAsk = ({ uses, overUntilAt }: Standing, rate: Rate, at: number): number => {
  const used = uses.filter((usedAt) => usedAt > at - keepMs).length;
  return at < overUntilAt ? Math.min(batchOf(rate), used + 1) : Math.min(1 + spareOf(rate), 2 * used + 1);
};

const takeHeld = (standing: Standing, rate: Rate, at: number): boolean => {
  const { held, uses } = standing;
  if (held.left === 0 || at >= held.endsAt || at < held.nextAt) return false;
  held.left -= 1;
  held.nextAt += slotMsOf(rate);
  uses.push(at);
  while (uses.length > Math.max(batchOf(rate), spareOf(rate))) uses.shift();
  return true;
};

/** How many of the slots that we hold can be used now. */
const usableSlots = ({ held }: Standing, rate: Rate, at: number): number =>
  at >= held.endsAt || at < held.nextAt ? 0 : Math.min(held.left, 1 + Math.floor((at - held.nextAt) / slotMsOf(rate)));

/**
 * A limit that all environments share, for any key. Within the limit, an environment takes one slot for
 * each turn if others share the limit, and holds a few more if it is alone. Beyond the limit it leases slots in batches,
 * and remembers a refusal until that can change. Nothing runs between calls, since Lambda would freeze it.
 *
 * While the store is out of reach, each environment enforces the whole limit by itself. A limiter protects payers from
 * load, not members' data, and must not stop reads.
 * @param deps `clock.now` must agree with the store's clock to about a second: see `boundedClock`
 */
export const limiter = ({ lease, clock }: LimiterDeps): TakeTurn => {
  const standings = new Map<string, Standing>();
  const leaseAlone = leaseFromMemory();

  const leaseInto = async (standing: Standing, key: string, rate: Rate): Promise<string | undefined> => {
    const askedAt = clock.monotonic();
    const request = {
      key,
      rate,
      needed: Math.min(rate.burst, standing.waiting),
      slots: slotsToAsk(standing, rate, askedAt),
      ahead: askedAt < standing.overUntilAt,
      alone: askedAt >= standing.sharedUntilAt,
      now: clock.now,
      seenMs: standing.takenUntilMs,
      crowded: standing.crowded,
    };
    let failure: string | undefined;
    const ask = async () => {
      if (clock.monotonic() < standing.aloneUntilAt) return leaseAlone(request);
      try {
        return await lease(request);
      } catch (error) {
        failure = causeOf(error);
        standing.aloneUntilAt = clock.monotonic() + aloneMs;
        return leaseAlone(request);
      }
    };
    // Beyond the limit nothing is spared.
    const spareMs = request.ahead ? 0 : spareOf(rate) * slotMsOf(rate);
    const { takenUntilMs, fromMs, slots: left = 0, crowded } = await ask();
    const at = clock.monotonic();
    const atOf = (ms: number): number => at + (ms - clock.now());
    const alone = at < standing.aloneUntilAt;
    if (!alone) Object.assign(standing, { takenUntilMs, crowded });
    if (crowded) standing.sharedUntilAt = at + keepMs;
    if (fromMs === undefined) {
      standing.refusedUntilAt =
        at + Math.max(roundingMs, takenUntilMs - boundsOf(rate, clock.now()).latestMs - spareMs);
      standing.overUntilAt = at + keepMs;
      return failure;
    }
    const nextAt = atOf(fromMs + slotMsOf(rate)) - spareMs - roundingMs;
    standing.held = { left, nextAt, endsAt: Math.max(at, atOf(takenUntilMs)) + keepMs };
    if (nextAt > at) standing.overUntilAt = at + keepMs;
    return failure;
  };

  /** When the next call can go on, as far as we know. */
  const waitMs = (standing: Standing, rate: Rate, at: number): number => {
    const { held, takenUntilMs = 0 } = standing;
    if (held.left > 0 && at < held.endsAt) return held.nextAt - at;
    return Math.max(standing.refusedUntilAt - at, takenUntilMs + slotMsOf(rate) - clock.now());
  };

  const turnOf = (standing: Standing, rate: Rate, taken: boolean, failure: string | undefined): Turn => {
    const at = clock.monotonic();
    const free = usableSlots(standing, rate, at) + freeSlots(rate, standing.takenUntilMs, clock.now());
    const remaining = taken ? Math.min(rate.burst, free) : 0;
    const resetMs = remaining > 0 ? (rate.burst - remaining) * slotMsOf(rate) : waitMs(standing, rate, at);
    return {
      taken,
      remaining,
      resetSeconds: Math.max(1, Math.ceil(resetMs / 1000)),
      ...(failure === undefined ? {} : { failure }),
    };
  };

  return async (key, rate) => {
    const standing = standings.get(key) ?? noStanding();
    standings.set(key, standing);
    let failure: string | undefined;
    // Each lease serves at least one call, or says that the slots are taken.
    for (;;) {
      const at = clock.monotonic();
      if (takeHeld(standing, rate, at)) return turnOf(standing, rate, true, failure);
      const { held, refusedUntilAt } = standing;
      const ownAreToCome = held.left > 0 && at < held.endsAt;
      if (ownAreToCome || at < refusedUntilAt) return turnOf(standing, rate, false, failure);
      standing.waiting += 1;
      standing.leasing ??= leaseInto(standing, key, rate).finally(() => {
        standing.leasing = undefined;
      });
      failure = (await standing.leasing) ?? failure;
      standing.waiting -= 1;
    }
  };
};
