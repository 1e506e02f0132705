/**
 * A Markdown table as Prettier formats it.
 * @param numbers whether all columns but the first are right-aligned. @default false
 */
export const markdownTable = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { numbers = false } = {},
): string => {
  const lines = [head, ...rows].map((cells) => cells.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(3, ...lines.map((cells) => cells[column]?.length ?? 0)));
  const isRight = (column: number): boolean => numbers && column > 0;
  const line = (cells: readonly string[]): string => {
    const padded = widths.map((width, column) => {
      const cell = cells[column] ?? '';
      return isRight(column) ? cell.padStart(width) : cell.padEnd(width);
    });
    return `| ${padded.join(' | ')} |`;
  };
  const rule = widths.map((width, column) => (isRight(column) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  const [first = [], ...others] = lines;
  return [first, rule, ...others].map(line).join('\n');
};
