import { instant, readInstant } from '../../functions/shared/instant.ts';
import { UsageError } from './errors.ts';
import { read, type Flag } from './spec.ts';

const secondsPer: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400 };

/** Seconds of a duration such as `30m`, `2h` or `3d`. */
const durationIn = (text: string): number | undefined => {
  const [, count, unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * secondsPer[unit]!;
};

/** Epoch seconds of a time with its zone, and with or without seconds. */
export const instantIn = (text: string): number | undefined => {
  const ms = readInstant(text.replace(/(T\d\d:\d\d)(?=Z|[+-])/, '$1:00'));
  return ms === undefined ? undefined : Math.floor(ms / 1000);
};

const example = 'such as 30m, 2h, 3d or 2026-11-27T06:00Z';

/** Reads a flag's time: one with its zone (ISO 8601), or how long after now; before it with `sign` -1. */
const timeIn = (text: string, name: string, now: number, sign: 1 | -1): number => {
  const duration = durationIn(text.trim());
  const time = duration === undefined ? instantIn(text.trim()) : now + sign * duration;
  if (time !== undefined) return time;
  throw new UsageError(`--${name} cannot be read as a duration or as a time with its zone; write one, ${example}`);
};

/** A flag with a time that is past, or how long ago; epoch seconds. */
export const ago = (help: string): Flag<number | undefined> =>
  read(help, (text, name, nowMs) => {
    const now = Math.floor(nowMs / 1000);
    const time = timeIn(text, name, now, -1);
    if (time < now) return time;
    throw new UsageError(`--${name} is not in the past, so nothing would be found; write an earlier time, ${example}`);
  });

/** A flag with a time that is past; epoch seconds. */
export const past = (help: string): Flag<number | undefined> =>
  read(help, (text, name, nowMs) => {
    const time = instantIn(text);
    const given = JSON.stringify(text);
    if (time === undefined)
      throw new UsageError(`--${name} is ${given}; write a time with its zone, such as 2026-06-01T12:00:00Z`);
    if (time > nowMs / 1000) throw new UsageError(`--${name} is ${instant(time)}, which is yet to come`);
    return time;
  });

/** A longer pause is more likely a typing error than intended. */
const longestSeconds = 366 * 86_400;

/**
 * Reads when a pause ends.
 * @param nowMs epoch milliseconds
 * @returns epoch seconds
 * @throws UsageError if it is no time, in the past, or over a year away
 */
export const readUntil = (text: string, nowMs: number): number => {
  const now = Math.floor(nowMs / 1000);
  const until = timeIn(text, 'until', now, 1);
  if (until <= now) throw new UsageError(`--until is in the past; write a later time, ${example}`);
  if (until - now > longestSeconds)
    throw new UsageError('--until is over a year away; for a pause without an end, leave it out');
  return until;
};

/** A flag with the time when a pause ends; epoch seconds. */
export const until = (help: string): Flag<number | undefined> =>
  read(help, (text, _name, nowMs) => readUntil(text, nowMs));

/** How long the history of deliveries is kept, in seconds. */
const historySeconds = 30 * 86_400;

/**
 * Reads the time from which events are sent again.
 * @param nowMs epoch milliseconds
 * @returns epoch seconds
 * @throws UsageError if it is no time, yet to come, or over 30 days ago
 */
export const readSince = (text: string, nowMs: number): number => {
  const now = Math.floor(nowMs / 1000);
  const since = timeIn(text, 'since', now, -1);
  if (since > now) throw new UsageError('--since is in the future');
  if (now - since > historySeconds)
    throw new UsageError('--since is over 30 days ago; deliveries are kept for 30 days');
  return since;
};
