import { textOf, valueIn, type Fields, type Value } from './insights-expressions.ts';
import { inOrder, type Command, type Found } from './insights-query.ts';

/** A row of a result; a field without a value is not in it. */
type Row = readonly { readonly field: string; readonly value: string }[];

/** The answer to a query. */
export interface InsightsAnswer {
  readonly rows: readonly Row[];
  /** Events that passed the filters. */
  readonly matched: number;
}

/** What a row shows if no command says it. */
const usual = ['@timestamp', '@message'] as const;

/** Writes what was counted as Java writes a double: with an exponent from ten million up. */
const written = (value: Value): string | undefined =>
  typeof value === 'number' && Math.abs(value) >= 1e7 ? value.toExponential().replace('e+', 'E') : textOf(value);

/** Runs a query over events. */
export const runInsightsQuery = (query: readonly Command[], events: readonly Fields[]): InsightsAnswer => {
  let found: Found = { events };
  let matched = events.length;
  let counted = false;
  for (const { name, run } of query) {
    found = run(found);
    if (name === 'stats') counted = true;
    if (!counted && name === 'filter') matched = found.events.length;
  }
  const { shown = usual, events: rows } = inOrder(found);
  return {
    matched,
    rows: rows.map((event, index): Row => {
      const cells = shown.flatMap((field) => {
        const value = valueIn(event, field);
        const text = counted ? written(value) : textOf(value);
        return text === undefined ? [] : [{ field, value: text }];
      });
      // A row of events can be asked for as a whole, by its pointer.
      return counted ? cells : cells.concat({ field: '@ptr', value: String(index) });
    }),
  };
};
