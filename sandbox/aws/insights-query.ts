import { listOf, readerOf, type Reader } from './insights-reader.ts';

/** A log event's fields, as CloudWatch Logs Insights discovers them in a JSON line. */
export type Fields = Readonly<Record<string, unknown>>;

type Condition = (event: Fields) => boolean;

/** Aggregates the events of one group; `undefined` if none has a value. */
type Aggregate = (events: readonly Fields[]) => number | undefined;

interface NamedAggregate {
  readonly name: string;
  readonly aggregate: Aggregate;
}

/** A parsed query. */
export interface InsightsQuery {
  readonly conditions: readonly Condition[];
  readonly aggregates: readonly NamedAggregate[];
  readonly by: readonly string[];
  readonly sort?: { readonly field: string; readonly descending: boolean };
  readonly limit?: number;
}

/** A field as text; undefined if the event lacks it, or if it has fields of its own. */
export const textIn = (event: Fields, field: string): string | undefined => {
  const value = event[field];
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
};

/** `ispresent(field)`, `field = "text"`, `field in ["text", …]`, `field like /pattern/`, each also after `not`. */
const conditionOf = (reader: Reader): Condition => {
  if (reader.takes('not')) {
    const denied = conditionOf(reader);
    return (event) => !denied(event);
  }
  if (reader.takes('ispresent')) {
    reader.require('(');
    const present = reader.field();
    reader.require(')');
    return (event) => event[present] !== undefined;
  }
  const field = reader.field();
  const textOf = (event: Fields): string | undefined => textIn(event, field);
  if (reader.takes('=')) {
    const wanted = reader.text();
    return (event) => textOf(event) === wanted;
  }
  if (reader.takes('in')) {
    reader.require('[');
    const wanted: readonly (string | undefined)[] = listOf(reader, reader.text);
    reader.require(']');
    return (event) => textOf(event) !== undefined && wanted.includes(textOf(event));
  }
  reader.require('like');
  const pattern = reader.pattern();
  return (event) => {
    const text = textOf(event);
    return text !== undefined && pattern.test(text);
  };
};

type Value = (event: Fields) => number | undefined;

const numberIn =
  (field: string): Value =>
  (event) =>
    typeof event[field] === 'number' ? event[field] : undefined;

/** A field's number, or 1 or 0 of `strcontains(field, "text")`, and products of these. */
const valueOf = (reader: Reader): Value => {
  const factor = (): Value => {
    if (!reader.takes('strcontains')) return numberIn(reader.field());
    reader.require('(');
    const field = reader.field();
    reader.require(',');
    const part = reader.text();
    reader.require(')');
    return (event) => (typeof event[field] === 'string' ? Number(event[field].includes(part)) : undefined);
  };
  let value = factor();
  while (reader.takes('*')) {
    const [left, right] = [value, factor()];
    value = (event) => {
      const [a, b] = [left(event), right(event)];
      return a === undefined || b === undefined ? undefined : a * b;
    };
  }
  return value;
};

const valuesOf = (events: readonly Fields[], value: Value): number[] =>
  events.flatMap((event) => {
    const found = value(event);
    return found === undefined ? [] : [found];
  });

/** By nearest rank. CloudWatch's own percentiles are estimates. */
const percentile = (values: readonly number[], percent: number): number | undefined => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
};

/** `count(*)`, `sum(value)` and `pct(field, percent)`. */
const aggregateOf = (reader: Reader): Aggregate => {
  if (reader.takes('count')) {
    for (const sign of ['(', '*', ')']) reader.require(sign);
    return (events) => events.length;
  }
  if (reader.takes('sum')) {
    reader.require('(');
    const value = valueOf(reader);
    reader.require(')');
    return (events) => {
      const values = valuesOf(events, value);
      return values.length === 0 ? undefined : values.reduce((sum, one) => sum + one, 0);
    };
  }
  reader.require('pct');
  reader.require('(');
  const value = numberIn(reader.field());
  reader.require(',');
  const percent = reader.number();
  reader.require(')');
  return (events) => percentile(valuesOf(events, value), percent);
};

const namedAggregateOf = (reader: Reader): NamedAggregate => {
  const aggregate = aggregateOf(reader);
  reader.require('as');
  return { name: reader.field(), aggregate };
};

const sortOf = (reader: Reader): NonNullable<InsightsQuery['sort']> => {
  const field = reader.field();
  if (reader.takes('asc')) return { field, descending: false };
  reader.require('desc');
  return { field, descending: true };
};

/**
 * Reads a query in the part of the Logs Insights language that this repository's tools use:
 *
 *     filter CONDITION and … | stats AGGREGATE as NAME, … by FIELD, … | sort FIELD asc|desc | limit NUMBER
 *
 * The last two may be missing. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
 * @throws UnreadableQuery for everything else
 */
export const readInsightsQuery = (query: string): InsightsQuery => {
  const reader = readerOf(query);
  reader.require('filter');
  const conditions = [conditionOf(reader)];
  while (reader.takes('and')) conditions.push(conditionOf(reader));
  for (const word of ['|', 'stats']) reader.require(word);
  const aggregates = listOf(reader, () => namedAggregateOf(reader));
  reader.require('by');
  const by = listOf(reader, reader.field);
  const tail: { sort?: NonNullable<InsightsQuery['sort']>; limit?: number } = {};
  while (reader.takes('|')) {
    if (tail.sort === undefined && tail.limit === undefined && reader.takes('sort')) tail.sort = sortOf(reader);
    else if (tail.limit === undefined && reader.takes('limit')) tail.limit = reader.number();
    else reader.fail();
  }
  if (!reader.isAtEnd()) reader.fail();
  return { conditions, aggregates, by, ...tail };
};
