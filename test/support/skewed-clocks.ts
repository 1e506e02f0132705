import type { Clock } from '../../functions/shared/clock.ts';
import { boundTime } from '../../functions/shared/store/bounded-clock.ts';

/** Where the true time starts: not at a full second, so that a `Date` is behind it. */
export const skewedStartMs = Date.UTC(2026, 5, 1, 12) + 700;

/**
 * The clock of each environment of a fleet. Every call to a table bounds it by a `Date` in full seconds, as `boundedClock`
 * does with DynamoDB's answers.
 * @param time the true time
 * @param skewsMs how far ahead each environment's clock is, in milliseconds
 */
export const skewedClocks = (time: { readonly ms: number }, skewsMs: readonly number[]): Clock[] =>
  skewsMs.map((skewMs, index) => {
    const bootedMs = skewedStartMs - index * 1234;
    const monotonic = (): number => time.ms - bootedMs;
    // The table was read just before, so an answer with a date has just arrived.
    const now = (): number => {
      const dateMs = Math.floor(time.ms / 1000) * 1000;
      return boundTime(time.ms + skewMs, monotonic(), { dateMs, sentAt: monotonic(), receivedAt: monotonic() });
    };
    return { now, monotonic };
  });
