import { UsageError } from '../shared/errors.ts';
import { durationIn, instantIn } from '../shared/times.ts';

/** How long the history of deliveries is kept, in seconds. */
const historySeconds = 30 * 86_400;

/**
 * Reads the time from which events are sent again: a time with its zone (ISO 8601), or how long ago.
 * @returns epoch seconds
 * @throws UsageError
 */
export const readSince = (text: string, nowMs: number): number => {
  const now = Math.floor(nowMs / 1000);
  const duration = durationIn(text.trim());
  const since = duration === undefined ? instantIn(text.trim()) : now - duration;
  if (since === undefined) {
    throw new UsageError(
      '--since cannot be read as a duration or as a time with its zone; write one, such as 2h, 3d or 2026-11-27T06:00Z',
    );
  }
  if (since > now) throw new UsageError('--since is in the future');
  if (now - since > historySeconds)
    throw new UsageError('--since is over 30 days ago; deliveries are kept for 30 days');
  return since;
};
