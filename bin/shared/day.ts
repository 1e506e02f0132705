import { UsageError } from './command-line.ts';

/**
 * Reads a flag's day, such as `2026-06-01`.
 * @throws UsageError if there is no such day
 */
export const dayIn = (flag: string, value: string | undefined): string | undefined => {
  if (value === undefined) return undefined;
  const time = /^\d{4}-\d\d-\d\d$/.test(value) ? Date.parse(`${value}T00:00:00Z`) : Number.NaN;
  // Date.parse takes the 31st of a shorter month for the first of the next.
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== value) {
    throw new UsageError(`--${flag} is ${JSON.stringify(value)}; write a day such as 2026-06-01`);
  }
  return value;
};
