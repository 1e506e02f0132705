import { isDay } from '../../functions/shared/instant.ts';
import { UsageError } from './errors.ts';
import { read, type Flag, type Rule } from './spec.ts';

/** The day of a time in epoch milliseconds, in UTC: `2026-06-01`. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/**
 * Reads a flag's day, such as `2026-06-01`.
 * @throws UsageError if there is no such day
 */
const dayIn = (value: string, name: string): string => {
  if (!isDay(value)) {
    throw new UsageError(`--${name} is ${JSON.stringify(value)}; write a day such as 2026-06-01`);
  }
  return value;
};

/** A flag whose value is a day in UTC. */
export const dayFlag = (help: string): Flag<string | undefined> => read(help, dayIn);

/** A flag whose value is a day in UTC that has begun. */
export const pastDay = (help: string): Flag<string | undefined> =>
  read(help, (value, name, nowMs) => {
    if (dayIn(value, name) <= dayOf(nowMs)) return value;
    throw new UsageError(`--${name} is ${value}, which is yet to come`);
  });

/** The first day and the last, which is today if none is given. @param since the help of the first */
export const period = (since: string, day = dayFlag) => {
  const until = day('the last day (default today)');
  const orToday = (...given: Parameters<typeof until.take>): string => until.take(...given) ?? dayOf(given[2]);
  return { '--since DATE': day(since), '--until DATE': { ...until, take: orToday } };
};

/** Of a period. */
export const inOrder: Rule = (_given, { since, until }) =>
  typeof since === 'string' && typeof until === 'string' && until < since
    ? `--until ${until} is before --since ${since}`
    : undefined;
