import { errorCodes } from '../../functions/shared/errors.ts';
import { totals, type FiguresBy } from '../../functions/shared/record/figures-query.ts';
import type { Figures } from './figures.ts';
import { dayOf, type Month } from './month.ts';

/** Spreadsheets run a cell that begins like this as a formula. */
const formula = /^[=+\-@\t\r＝＋－＠]/;

/** A text as a cell (RFC 4180). One that a spreadsheet would run as a formula gets an apostrophe in front. */
const textCell = (text: string): string => {
  const harmless = formula.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
};

const numberCell = (value: number | undefined): string => (value === undefined ? '' : String(value));

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
  return [head.map(textCell), ...lines].map((cells) => `${cells.join(',')}\n`).join('');
};
