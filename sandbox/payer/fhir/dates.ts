import { badRequest } from './outcome.ts';

/** A FHIR date as a period, from `start` up to but not including `end`, in epoch ms. */
interface TimeRange {
  readonly start: number;
  readonly end: number;
}

const form = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/;
const minuteMs = 60_000;

/** Reads a date of any precision. Without an offset it is UTC. */
const timeRange = (text: string): TimeRange | undefined => {
  const [, year, month, day, hour, minute, second, fraction, zone = 'Z'] = form.exec(text) ?? [];
  if (year === undefined) return undefined;
  const start =
    Date.UTC(Number(year), Number(month ?? 1) - 1, Number(day ?? 1), Number(hour ?? 0), Number(minute ?? 0)) +
    Number(second ?? 0) * 1000 +
    Number(fraction ?? 0) * 1000 -
    offsetMs(zone);
  if (fraction !== undefined) return { start, end: start + 1 };
  if (second !== undefined) return { start, end: start + 1000 };
  if (hour !== undefined) return { start, end: start + minuteMs };
  if (day !== undefined) return { start, end: start + 1440 * minuteMs };
  return { start, end: month === undefined ? Date.UTC(Number(year) + 1, 0) : Date.UTC(Number(year), Number(month)) };
};

/** The period of a date, a Period or a Timing in a resource. */
export const timeRangeOf = (value: unknown): TimeRange | undefined => {
  if (typeof value === 'string') return timeRange(value);
  const { start, end, event } = Object(value) as { start?: string; end?: string; event?: string[] };
  if (event) return timeRangeOf({ start: event.toSorted()[0], end: event.toSorted().at(-1) });
  if (start === undefined && end === undefined) return undefined;
  return {
    start: start === undefined ? -Infinity : (timeRange(start)?.start ?? -Infinity),
    end: end === undefined ? Infinity : (timeRange(end)?.end ?? Infinity),
  };
};

type Compare = (found: TimeRange, asked: TimeRange) => boolean;

const within: Compare = (found, asked) => found.start >= asked.start && found.end <= asked.end;

/** R4's prefixes: https://hl7.org/fhir/R4/search.html#prefix */
const comparisons: Readonly<Record<string, Compare>> = {
  eq: within,
  ne: (found, asked) => !within(found, asked),
  gt: (found, asked) => found.end > asked.end,
  lt: (found, asked) => found.start < asked.start,
  ge: (found, asked) => found.end > asked.start,
  le: (found, asked) => found.start < asked.end,
  sa: (found, asked) => found.start >= asked.end,
  eb: (found, asked) => found.end <= asked.start,
  ap: (found, asked) => found.start < asked.end && found.end > asked.start,
};

/** Matches a `date` parameter's value, such as `ge2015-03`. */
export const dateMatcher = (asked: string): ((value: unknown) => boolean) => {
  const prefix = /^[a-z]{2}/.exec(asked)?.[0] ?? 'eq';
  const range = timeRange(asked.replace(/^[a-z]{2}/, ''));
  const compare = comparisons[prefix];
  if (!range || !compare) throw badRequest(`"${asked}" is not a date; write one like ge2015-03-01`);
  return (value) => {
    const found = timeRangeOf(value);
    return found !== undefined && compare(found, range);
  };
};

const offsetMs = (zone: string): number => {
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6));
  return (zone.startsWith('-') ? -minutes : minutes) * minuteMs;
};
