import {
  compareValues,
  expressionOf,
  isTrue,
  textOf,
  valueIn,
  type Expression,
  type Fields,
} from './insights-expressions.ts';
import { listOf, readerOf, type Reader } from './insights-reader.ts';

/** What a query has so far. */
export interface Found {
  readonly events: readonly Fields[];
  /** What a row shows, by name; undefined until a command says it. */
  readonly shown?: readonly string[];
  readonly isSorted?: boolean;
}

/** One command of a query. */
export interface Command {
  readonly name: 'fields' | 'filter' | 'stats' | 'sort' | 'limit';
  readonly run: (found: Found) => Found;
}

interface Named {
  readonly name: string;
  readonly expression: Expression;
}

/** An expression with the name that it is given, or its own text. */
const namedOf = (reader: Reader): Named => {
  const at = reader.at();
  const expression = expressionOf(reader);
  const text = reader.since(at);
  return { name: reader.takes('as') ? reader.field() : text.replaceAll('`', ''), expression };
};

const fieldsOf = (reader: Reader): Command['run'] => {
  const named = listOf(reader, () => namedOf(reader));
  return ({ events, shown = [], ...found }) => ({
    ...found,
    events: events.map((event) => ({
      ...event,
      ...Object.fromEntries(named.map(({ name, expression }) => [name, expression({ event, group: [] })])),
    })),
    shown: [...new Set([...shown, ...named.map(({ name }) => name)])],
  });
};

const filterOf = (reader: Reader): Command['run'] => {
  const condition = expressionOf(reader);
  return ({ events, ...found }) => ({ ...found, events: events.filter((event) => isTrue(condition, event)) });
};

/** Groups come in the order of their first event. */
const statsOf = (reader: Reader): Command['run'] => {
  const aggregates = listOf(reader, () => namedOf(reader));
  const by = reader.takes('by') ? listOf(reader, () => namedOf(reader)) : [];
  return ({ events }) => {
    const keysOf = (event: Fields) => by.map(({ expression }) => expression({ event, group: [] }));
    const groups = Map.groupBy(events, (event) => JSON.stringify(keysOf(event).map((key) => textOf(key) ?? null)));
    const rows = [...groups.values()].map((group) => {
      const [event = {}] = group;
      const keys = by.map(({ name, expression }) => [name, expression({ event, group: [] })]);
      return Object.fromEntries([
        ...keys,
        ...aggregates.map(({ name, expression }) => [name, expression({ event, group })]),
      ]) as Fields;
    });
    return { events: rows, shown: [...by, ...aggregates].map(({ name }) => name), isSorted: true };
  };
};

const sortOf = (reader: Reader): Command['run'] => {
  const orders = listOf(reader, () => {
    const { name, expression } = namedOf(reader);
    const descending = reader.takes('desc');
    if (!descending) reader.takes('asc');
    return { name, expression, sign: descending ? -1 : 1 };
  });
  return ({ events, ...found }) => ({
    ...found,
    isSorted: true,
    events: events.toSorted((a, b) => {
      for (const { name, expression, sign } of orders) {
        const of = (event: Fields) => valueIn(event, name) ?? expression({ event, group: [] });
        const order = compareValues(of(a), of(b));
        if (order !== 0) return order * sign;
      }
      return 0;
    }),
  });
};

/** Without a sort, what was logged last comes first. */
export const inOrder = ({ events, isSorted = false, ...found }: Found): Found => ({
  ...found,
  isSorted: true,
  events: isSorted
    ? events
    : events.toSorted((a, b) => compareValues(valueIn(b, '@timestamp'), valueIn(a, '@timestamp'))),
});

const limitOf = (reader: Reader): Command['run'] => {
  const most = reader.number();
  return (found) => {
    const sorted = inOrder(found);
    return { ...sorted, events: sorted.events.slice(0, most) };
  };
};

const commands = {
  fields: fieldsOf,
  display: fieldsOf,
  filter: filterOf,
  /** Another name of `filter`: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Where.html */
  where: filterOf,
  stats: statsOf,
  sort: sortOf,
  limit: limitOf,
};

const commandOf = (reader: Reader): Command => {
  for (const [name, read] of Object.entries(commands))
    if (reader.takes(name)) return { name: name as Command['name'], run: read(reader) };
  return reader.fail();
};

/**
 * Reads a query in the Logs Insights language: commands `fields`, `filter`, `stats`, `sort` and `limit` in any order. Not
 * `parse`, `dedup`, `pattern` and what else no document here uses.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
 * @throws UnreadableQuery for everything else
 */
export const readInsightsQuery = (query: string): readonly Command[] => {
  const reader = readerOf(query);
  const read = [commandOf(reader)];
  while (reader.takes('|')) read.push(commandOf(reader));
  if (!reader.isAtEnd()) reader.fail();
  return read;
};
