import { textIn, type Fields, type InsightsQuery } from './insights-query.ts';

/** A row of a result; a field without a value is not in it. */
type Row = readonly { readonly field: string; readonly value: string }[];

/** The answer to a query. */
export interface InsightsAnswer {
  readonly rows: readonly Row[];
  /** Events that passed the filter. */
  readonly matched: number;
}

const compare = (a: string | undefined, b: string | undefined): number => {
  const [left, right] = [Number(a ?? Number.NEGATIVE_INFINITY), Number(b ?? Number.NEGATIVE_INFINITY)];
  return Number.isNaN(left) || Number.isNaN(right) ? String(a).localeCompare(String(b)) : left - right;
};

const valueIn = (row: Row, name: string): string | undefined => row.find(({ field }) => field === name)?.value;

/** Writes a number as Java writes a double: with an exponent from ten million up. */
const written = (value: number): string => (value < 1e7 ? String(value) : value.toExponential().replace('e+', 'E'));

/** Runs a query over events. Groups without an order come in the order of their first event. */
export const runInsightsQuery = (
  { conditions, aggregates, by, sort, limit }: InsightsQuery,
  events: readonly Fields[],
): InsightsAnswer => {
  const matching = events.filter((event) => conditions.every((holds) => holds(event)));
  const groups = Map.groupBy(matching, (event) => JSON.stringify(by.map((field) => textIn(event, field) ?? null)));
  const rows = [...groups.values()].map((group): Row => {
    const keys = by.flatMap((field) => {
      const value = textIn(group[0] ?? {}, field);
      return value === undefined ? [] : [{ field, value }];
    });
    const values = aggregates.flatMap(({ name, aggregate }) => {
      const value = aggregate(group);
      return value === undefined ? [] : [{ field: name, value: written(value) }];
    });
    return keys.concat(values);
  });
  const sorted =
    sort === undefined
      ? rows
      : rows.toSorted((a, b) => compare(valueIn(a, sort.field), valueIn(b, sort.field)) * (sort.descending ? -1 : 1));
  return { rows: sorted.slice(0, limit), matched: matching.length };
};
