import { UsageError } from './errors.ts';
import { read, type Flag } from './spec.ts';

/** The day of a time in epoch milliseconds, in UTC: `2026-06-01`. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/**
 * Reads a flag's day, such as `2026-06-01`.
 * @throws UsageError if there is no such day
 */
const dayIn = (value: string, name: string): string => {
  const time = /^\d{4}-\d\d-\d\d$/.test(value) ? Date.parse(`${value}T00:00:00Z`) : Number.NaN;
  // Date.parse takes the 31st of a shorter month for the first of the next.
  if (Number.isNaN(time) || dayOf(time) !== value) {
    throw new UsageError(`--${name} is ${JSON.stringify(value)}; write a day such as 2026-06-01`);
  }
  return value;
};

/** A flag whose value is a day in UTC. */
export const dayFlag = (help: string): Flag<string | undefined> => read(help, dayIn);
