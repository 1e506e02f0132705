import { dayOf } from '../shared/day.ts';
import { UsageError } from '../shared/errors.ts';

/** A month in UTC, up to now if it is the current one. Epoch milliseconds; the end is not part of it. */
export interface Month {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export const dayMs = 86_400_000;

/**
 * Parses a month, such as `2026-11`.
 * @throws UsageError if it is malformed, or has not begun
 */
export const readMonth = (text: string, nowMs: number): Month => {
  const [, year = '', month = ''] = /^(20\d\d)-(0[1-9]|1[0-2])$/.exec(text) ?? [];
  if (year === '') throw new UsageError(`--month is ${JSON.stringify(text)}; write a month such as 2026-11`);
  const fromMs = Date.UTC(Number(year), Number(month) - 1);
  const endMs = Date.UTC(Number(year), Number(month));
  if (fromMs >= nowMs) throw new UsageError(`--month is ${text}, which has not begun; today is ${dayOf(nowMs)} (UTC)`);
  return { name: text, fromMs, toMs: Math.min(endMs, nowMs) };
};

/** What is left of a month: its days since one from which every line is still there. */
export const sinceDay = (month: Month, keptFromMs: number): Month => ({
  ...month,
  fromMs: Math.max(month.fromMs, Math.ceil(keptFromMs / dayMs) * dayMs),
});
