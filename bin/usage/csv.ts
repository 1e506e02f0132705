import { visibleLine } from '../../config/checks/visible.ts';
import { errorCodes } from '../../functions/shared/errors.ts';
import { totals, type FiguresBy } from '../../functions/shared/metrics/figures-query.ts';
import { numberCell, textCell } from '../shared/csv-cell.ts';
import { dayOf } from '../shared/day.ts';
import type { Figures } from './figures.ts';
import type { Month } from './month.ts';

/**
 * The figures as CSV: a head, and a line for each payer or partner. Each error code has a column, at the end those that
 * this version no longer has.
 * @param names by id
 */
export const csvOf = (
  by: FiguresBy,
  { fromMs, toMs }: Month,
  figures: readonly Figures[],
  names: ReadonlyMap<string, string>,
): string => {
  const known = new Set<string>(errorCodes);
  const others = new Set(figures.flatMap(({ reasons }) => [...reasons.keys()].filter((code) => !known.has(code))));
  const codes = [...errorCodes, ...[...others].toSorted()];
  const head = ['from', 'until', by, 'name', ...totals, ...codes];
  const days = [dayOf(fromMs), dayOf(toMs - 1)];
  const lines = figures.map(({ id, totals: found, reasons }) => [
    ...days,
    textCell(id),
    textCell(names.get(id) ?? ''),
    ...totals.map((name) => numberCell(found[name])),
    ...codes.map((code) => numberCell(reasons.get(code) ?? 0)),
  ]);
  return [head.map((name) => textCell(visibleLine(name))), ...lines].map((cells) => `${cells.join(',')}\n`).join('');
};
