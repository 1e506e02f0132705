import { listOf, type Reader } from './insights-reader.ts';

/** A log event's fields, as CloudWatch Logs Insights discovers them in a JSON line. */
export type Fields = Readonly<Record<string, unknown>>;

/** What an expression gives; undefined if a field that it needs is not there. */
export type Value = string | number | boolean | Date | undefined;

/** An event, and the group that it is in while aggregates are made. */
interface Place {
  readonly event: Fields;
  readonly group: readonly Fields[];
}
export type Expression = (place: Place) => Value;

/** Reads a field of a line. The name of a nested field has a dot. A field that has fields of its own has no value. */
const fieldReader = (field: string): ((event: Fields) => Value) => {
  const path = field.split('.');
  const nestedIn = (event: Fields): unknown =>
    path.reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined | null)?.[name], event);
  return (event) => {
    const value = event[field] ?? (path.length > 1 ? nestedIn(event) : undefined);
    const isValue = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    return isValue || value instanceof Date ? value : undefined;
  };
};

/** A field of a line. */
export const valueIn = (event: Fields, field: string): Value => fieldReader(field)(event);

/** A time as Logs Insights prints it: `2026-06-01 12:00:00.000`. */
const timeText = (time: Date): string => time.toISOString().replace('T', ' ').replace('Z', '');

/** A value as text. */
export const textOf = (value: Value): string | undefined => {
  if (value === undefined || typeof value === 'string') return value;
  return value instanceof Date ? timeText(value) : String(value);
};

const numberOf = (value: Value): number | undefined => {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && !/^\s*[-+.\dI]/.test(value)) return undefined;
  const number = Number(value);
  return Number.isNaN(number) ? undefined : number;
};

/** By number if both are numbers, else by text. What is not there comes first. */
export const compareValues = (a: Value, b: Value): number => {
  const left = numberOf(a);
  const right = left === undefined ? undefined : numberOf(b);
  if (left !== undefined && right !== undefined) return left - right;
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  const [one, other] = [textOf(a) ?? '', textOf(b) ?? ''];
  return one < other ? -1 : one > other ? 1 : 0;
};

const holds = (value: Value): boolean => value !== undefined && value !== false && value !== 0 && value !== '';

/** Whether an event passes. */
export const isTrue = (expression: Expression, event: Fields): boolean => holds(expression({ event, group: [] }));

const comparisons: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<=': (order) => order <= 0,
  '>=': (order) => order >= 0,
  '<': (order) => order < 0,
  '>': (order) => order > 0,
};

const arithmetic: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': (a, b) => a ** b,
};

const milliseconds: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `bin(5m)`: the time, rounded down. */
const binOf = (reader: Reader): Expression => {
  const duration = reader.duration();
  const step = milliseconds[duration.replace(/^\d+/, '')] ?? reader.fail();
  const width = Number.parseInt(duration, 10) * step;
  return ({ event }) => {
    const at = numberOf(valueIn(event, '@timestamp'));
    return at === undefined ? undefined : new Date(Math.floor(at / width) * width);
  };
};

/** By nearest rank. CloudWatch's own percentiles are estimates. */
const percentile = (values: readonly number[], percent: number): number | undefined => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
};

const numbersIn = (values: readonly Value[]): number[] => values.flatMap((value) => numberOf(value) ?? []);
const mean = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : values.reduce((sum, one) => sum + one, 0) / values.length;

type Aggregate = (values: readonly Value[], events: readonly Fields[]) => Value;

const timeOf = (event: Fields): Value => valueIn(event, '@timestamp');
/** The value of the event with the first or the last time. */
const atTime =
  (sign: 1 | -1): Aggregate =>
  (values, events) => {
    const known = events.map((event, index) => ({ value: values[index], at: timeOf(event) }));
    return known
      .filter(({ value }) => value !== undefined)
      .toSorted((a, b) => sign * compareValues(a.at, b.at))
      .at(0)?.value;
  };
const present = (values: readonly Value[]): Value[] => values.filter((value) => value !== undefined);

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html */
const aggregates: Readonly<Record<string, Aggregate>> = {
  count: (values) => present(values).length,
  count_distinct: (values) => new Set(present(values).map(textOf)).size,
  sum: (values) => {
    const numbers = numbersIn(values);
    return numbers.length === 0 ? undefined : numbers.reduce((sum, one) => sum + one, 0);
  },
  avg: (values) => mean(numbersIn(values)),
  min: (values) => percentile(numbersIn(values), 0),
  max: (values) => percentile(numbersIn(values), 100),
  earliest: atTime(1),
  latest: atTime(-1),
  sortsFirst: (values) => present(values).toSorted(compareValues).at(0),
  sortsLast: (values) => present(values).toSorted(compareValues).at(-1),
};

const ofGroup = (inner: Expression, { group }: Place): Value[] => group.map((event) => inner({ event, group }));

/** What a call gives, once its opening bracket is read. */
const callOf = (reader: Reader, name: string): Expression => {
  if (name === 'bin') return binOf(reader);
  if (name === 'count' && (reader.takes('*') || reader.isAt('end'))) return ({ group }) => group.length;
  if (name === 'pct') {
    const inner = expressionOf(reader);
    reader.require(',');
    const percent = reader.number();
    return (place) => percentile(numbersIn(ofGroup(inner, place)), percent);
  }
  const given = listOf(reader, () => expressionOf(reader));
  const [first, second] = given;
  const aggregate = aggregates[name];
  if (first === undefined) return reader.fail();
  if (aggregate !== undefined && given.length === 1) return (place) => aggregate(ofGroup(first, place), place.group);
  if (name === 'coalesce') return (place) => given.map((one) => one(place)).find((value) => value !== undefined);
  if (name === 'ispresent' && given.length === 1) return (place) => first(place) !== undefined;
  if (name === 'strcontains' && second !== undefined && given.length === 2)
    return (place) => {
      const [text, part] = [textOf(first(place)), textOf(second(place))];
      return text === undefined || part === undefined ? undefined : Number(text.includes(part));
    };
  return reader.fail();
};

const primaryOf = (reader: Reader): Expression => {
  if (reader.takes('(')) {
    const inner = expressionOf(reader);
    reader.require(')');
    return inner;
  }
  if (reader.isAt('text')) {
    const text = reader.text();
    return () => text;
  }
  if (reader.isAt('number')) {
    const number = reader.number();
    return () => number;
  }
  const name = reader.field();
  if (!reader.takes('(')) {
    const read = fieldReader(name);
    return ({ event }) => read(event);
  }
  const call = callOf(reader, name);
  reader.require(')');
  return call;
};

/** Operators of one strength, from the left. */
const chainOf = (reader: Reader, signs: readonly string[], inner: () => Expression): Expression => {
  let left = inner();
  for (;;) {
    const sign = signs.find((one) => reader.takes(one));
    if (sign === undefined) return left;
    const [before, after] = [left, inner()];
    left = (place) => {
      const [a, b] = [numberOf(before(place)), numberOf(after(place))];
      return a === undefined || b === undefined ? undefined : arithmetic[sign]?.(a, b);
    };
  }
};
const powerOf = (reader: Reader): Expression => chainOf(reader, ['^'], () => primaryOf(reader));
const productOf = (reader: Reader): Expression => chainOf(reader, ['*', '/', '%'], () => powerOf(reader));
const sumOf = (reader: Reader): Expression => chainOf(reader, ['+', '-'], () => productOf(reader));

const listedOf = (reader: Reader, left: Expression): Expression => {
  reader.require('[');
  const wanted = listOf(reader, () => sumOf(reader));
  reader.require(']');
  return (place) => {
    const value = left(place);
    return value !== undefined && wanted.some((one) => compareValues(one(place), value) === 0);
  };
};

const likeOf = (reader: Reader, left: Expression): Expression => {
  const pattern = reader.isAt('pattern') ? reader.pattern() : reader.text();
  return (place) => {
    const text = textOf(left(place));
    if (text === undefined) return false;
    return typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text);
  };
};

const comparisonOf = (reader: Reader): Expression => {
  const left = sumOf(reader);
  if (reader.takes('in')) return listedOf(reader, left);
  if (reader.takes('like') || reader.takes('=~')) return likeOf(reader, left);
  if (reader.takes('not')) {
    const found = reader.takes('in') ? listedOf(reader, left) : (reader.require('like'), likeOf(reader, left));
    return (place) => !holds(found(place));
  }
  const sign = Object.keys(comparisons).find((one) => reader.takes(one));
  if (sign === undefined) return left;
  const right = sumOf(reader);
  return (place) => {
    const [a, b] = [left(place), right(place)];
    return a !== undefined && b !== undefined && comparisons[sign]?.(compareValues(a, b)) === true;
  };
};

const denialOf = (reader: Reader): Expression => {
  if (!reader.takes('not')) return comparisonOf(reader);
  const inner = denialOf(reader);
  return (place) => !holds(inner(place));
};

const bothOf = (reader: Reader): Expression => {
  const all = [denialOf(reader)];
  while (reader.takes('and')) all.push(denialOf(reader));
  return all.length === 1 ? all[0]! : (place) => all.every((one) => holds(one(place)));
};

/**
 * Reads an expression: or, and, not, comparisons, `in`, `like`, arithmetic, functions, fields, texts and numbers.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
 * @throws UnreadableQuery
 */
export const expressionOf = (reader: Reader): Expression => {
  const any = [bothOf(reader)];
  while (reader.takes('or')) any.push(bothOf(reader));
  return any.length === 1 ? any[0]! : (place) => any.some((one) => holds(one(place)));
};
