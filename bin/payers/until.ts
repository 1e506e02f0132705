import { UsageError } from '../shared/errors.ts';
import { durationIn, instantIn } from '../shared/times.ts';

/** A longer pause is more likely a typing error than intended. */
const longestSeconds = 366 * 86_400;

const example = 'such as 30m, 2h, 3d or 2026-11-27T06:00Z';

/**
 * Reads when a pause ends: a time with its zone (ISO 8601), or how long it lasts.
 * @param nowMs epoch milliseconds
 * @returns epoch seconds
 * @throws UsageError if it is neither, in the past, or over a year away
 */
export const readUntil = (text: string, nowMs: number): number => {
  const now = Math.floor(nowMs / 1000);
  const duration = durationIn(text.trim());
  const until = duration === undefined ? instantIn(text.trim()) : now + duration;
  if (until === undefined) {
    throw new UsageError(`--until cannot be read as a duration or as a time with its zone; write one, ${example}`);
  }
  if (until <= now) throw new UsageError(`--until is in the past; write a later time, ${example}`);
  if (until - now > longestSeconds) {
    throw new UsageError('--until is over a year away; for a pause without an end, leave it out');
  }
  return until;
};
