import type { Flags } from './flags.ts';
import { ownSteps, type Observations, type Observed } from './observations.ts';
import { quantile, slopePerMinute, type Sample } from './statistics.ts';

const minuteMs = 60_000;
/** How many megabytes per minute a function may grow after the warm-up. */
const mostGrowth = 1;
/** Minutes after the warm-up that a slope needs to mean anything. */
const enoughMinutes = 4;
/** How much slower answers may be at the end, by the line through the minutes: half as much again. */
const mostSlower = 0.5;
/** Below this many milliseconds, a difference does not count as slower. */
const leastSlowerMs = 5;
/** The share of operations that may have been skipped. */
const mostNotBegun = 0.01;

/** Seconds from the start of the run, or of a process, until measuring begins. */
const warmUpMinutes = ({ minutes }: Pick<Flags, 'minutes'>): number => Math.min(2, minutes / 3);

const minutesOf = (steps: readonly Observed[], startedAt: number): Observed[][] => {
  const minutes: Observed[][] = [];
  for (const step of steps) (minutes[Math.floor((step.atMs - startedAt) / minuteMs)] ??= []).push(step);
  return Array.from(minutes, (minute) => minute ?? []);
};

const whole = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(0));

const timesOf = (steps: readonly Observed[], own: boolean): number[] =>
  steps.filter(({ step, ending }) => ownSteps.has(step) === own && ending === 'ok').map(({ value }) => value);

const latest = (samples: readonly Sample[], untilMs: number): number | undefined =>
  samples.findLast(({ atMs }) => atMs <= untilMs)?.value;

const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_title, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  ')).join('\n');
};

/** One line per minute: milliseconds of steps without and with the payer, and megabytes held. */
const minuteTable = (observed: Observations, startedAt: number): string => {
  const functions = [...observed.memory.keys()].toSorted();
  const title = ['minute', 'steps', 'p50', 'p99', 'payer p50', 'payer p99', 'payer failed', ...functions];
  const rows = minutesOf(observed.steps, startedAt).map((steps, index) => {
    const times = [timesOf(steps, true), timesOf(steps, false)];
    const milliseconds = times.flatMap((one) => [whole(quantile(one, 0.5)), whole(quantile(one, 0.99))]);
    const failed = steps.filter(({ ending }) => ending === 'payer').length;
    const untilMs = startedAt + (index + 1) * minuteMs;
    const megabytes = functions.map((name) => whole(latest(observed.memory.get(name) ?? [], untilMs)));
    return [[String(index + 1), String(steps.length)], milliseconds, [String(failed)], megabytes].flat();
  });
  return table([title, ...rows]);
};

/** A limit, and whether it was kept; `undefined` if the run was too short to tell. */
interface Verdict {
  readonly limit: string;
  readonly found: string;
  readonly kept: boolean | undefined;
}

const memoryVerdicts = ({ memory }: Observations, endedAt: number, flags: Flags): Verdict[] =>
  [...memory].map(([name, samples]) => {
    const warmAt = (samples[0]?.atMs ?? 0) + warmUpMinutes(flags) * minuteMs;
    const measured = samples.filter(({ atMs }) => atMs >= warmAt && atMs <= endedAt);
    const slope = slopePerMinute(measured);
    return {
      limit: `${name}: grows by less than ${mostGrowth} MB a minute`,
      found: `${slope.toFixed(2)} MB a minute`,
      kept: endedAt - warmAt < enoughMinutes * minuteMs ? undefined : slope < mostGrowth,
    };
  });

/**
 * Which quantile: in steps with the payer, the payer's slow answers lie above the median, so only the median is
 * checked.
 */
const watched = [
  { name: 'without the payer: p50', own: true, share: 0.5 },
  { name: 'without the payer: p99', own: true, share: 0.99 },
  { name: 'with the payer: p50', own: false, share: 0.5 },
] as const;

const speedVerdict = (
  { name, own, share }: (typeof watched)[number],
  observed: Observations,
  warmAt: number,
  minutes: number,
): Verdict => {
  const steps = observed.steps.filter(({ atMs }) => atMs >= warmAt);
  const times = minutesOf(steps, warmAt).flatMap((minute, index): Sample[] => {
    const value = quantile(timesOf(minute, own), share);
    return value === undefined ? [] : [{ atMs: index * minuteMs, value }];
  });
  const slower = slopePerMinute(times) * Math.max(0, times.length - 1);
  const usual = times.reduce((sum, { value }) => sum + value, 0) / Math.max(1, times.length);
  return {
    limit: `steps ${name} does not rise`,
    found: `${slower >= 0 ? '+' : ''}${slower.toFixed(1)} ms over the run, usually ${usual.toFixed(1)} ms`,
    kept: minutes < enoughMinutes ? undefined : slower <= Math.max(leastSlowerMs, usual * mostSlower),
  };
};

const countVerdicts = (observed: Observations): Verdict[] => {
  const { lost, unexpected, restarts, notBegun, steps } = observed;
  const odd = [...unexpected].map(([what, times]) => `${what} (${times})`);
  return [
    {
      limit: 'no grant is lost but with a rotation whose answer the payer lost',
      found: `${lost.unnamed} lost, beside ${lost.named} such`,
      kept: lost.unnamed === 0,
    },
    { limit: 'no unexpected status', found: odd.length === 0 ? 'none' : odd.join(', '), kept: odd.length === 0 },
    { limit: 'no function restarts', found: restarts.join(', ') || 'none', kept: restarts.length === 0 },
    {
      limit: 'the machine keeps up with the rate',
      found: `${notBegun} operations not begun`,
      kept: steps.length > 0 && notBegun <= steps.length * mostNotBegun,
    },
  ];
};

/** The observations for a person, and whether every limit was kept. */
export const reportOf = (
  observed: Observations,
  { startedAt, endedAt, flags }: { startedAt: number; endedAt: number; flags: Flags },
): { readonly text: string; readonly kept: boolean } => {
  const warmAt = startedAt + warmUpMinutes(flags) * minuteMs;
  const minutes = (endedAt - warmAt) / minuteMs;
  const during = { ...observed, steps: observed.steps.filter(({ atMs }) => atMs <= endedAt) };
  const verdicts = [
    ...memoryVerdicts(during, endedAt, flags),
    ...watched.map((which) => speedVerdict(which, during, warmAt, minutes)),
    ...countVerdicts(observed),
  ];
  const words = { true: 'kept', false: 'BROKEN', undefined: 'too short to say' };
  const lines = verdicts.map(({ limit, found, kept }) => `${words[`${kept}`]}: ${limit} (${found})`);
  return {
    text: [minuteTable(during, startedAt), '', ...lines].join('\n'),
    kept: verdicts.every(({ kept }) => kept !== false),
  };
};
