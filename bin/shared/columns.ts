import { visibleLine } from '../../config/checks/visible.ts';

/** Rows as lines for a person, in columns as wide as their longest cell. What is in a cell stays in its line. */
export const inColumns = (table: readonly (readonly string[])[]): string[] => {
  const rows = table.map((row) => row.map(visibleLine));
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
};
