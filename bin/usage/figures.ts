import { compareTexts } from '../../functions/shared/compare-texts.ts';
import { totals, type FiguresBy } from '../../functions/shared/metrics/figures-query.ts';
import type { Row } from './run-query.ts';

/** The figures of one payer or partner. */
export interface Figures {
  /** Empty for the requests that name none. */
  readonly id: string;
  readonly totals: Readonly<Record<(typeof totals)[number], number | undefined>>;
  /** How often each error code ended a request. */
  readonly reasons: ReadonlyMap<string, number>;
}

/** A number as CloudWatch writes it, such as `1.5E7`. */
const numberOf = (text: string | undefined): number | undefined => {
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? Math.round(value * 10) / 10 : undefined;
};

/** A sum of nothing is 0, and a median of nothing is unknown. */
const totalsOf = (row: Row): Figures['totals'] =>
  Object.fromEntries(
    totals.map((name) => [name, numberOf(row[name]) ?? (name.endsWith('Ms') ? undefined : 0)]),
  ) as Figures['totals'];

/** Puts the rows of both queries together: those with the most requests first, those of no payer or partner last. */
export const figuresOf = (by: FiguresBy, totalRows: readonly Row[], reasonRows: readonly Row[]): Figures[] => {
  const reasonsById = Map.groupBy(reasonRows, (row) => row[by] ?? '');
  return totalRows
    .map((row) => {
      const id = row[by] ?? '';
      const reasons = (reasonsById.get(id) ?? []).flatMap(({ error, times }): [string, number][] =>
        error === undefined ? [] : [[error, numberOf(times) ?? 0]],
      );
      return { id, totals: totalsOf(row), reasons: new Map(reasons) };
    })
    .toSorted(
      (a, b) =>
        Number(a.id === '') - Number(b.id === '') ||
        (b.totals.requests ?? 0) - (a.totals.requests ?? 0) ||
        compareTexts(a.id, b.id),
    );
};
