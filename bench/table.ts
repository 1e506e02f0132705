import type { Machine, Report, Section } from './report.ts';

/** How many runs stand side by side. */
const shown = 3;

const machineOf = ({ cpu, cores, memoryGb }: Machine): string => `${cores} × ${cpu}, ${memoryGb} GB`;

/** The last full runs of the machine that ran last, oldest first. */
export const lastRuns = (reports: readonly Report[]): readonly Report[] => {
  const full = reports.filter(({ quick }) => !quick).toSorted((a, b) => a.at.localeCompare(b.at));
  const last = full.at(-1);
  return last === undefined
    ? []
    : full.filter(({ machine }) => machineOf(machine) === machineOf(last.machine)).slice(-shown);
};

interface Cell {
  readonly limit: string;
  readonly text: string;
}

/** What a section measured, by name: its budgets, and its figures without one. */
const cellsOf = ({ name: part, budgets, figures = [] }: Section): readonly (readonly [string, Cell])[] => [
  ...budgets.map(({ name, limit, measured, met }): readonly [string, Cell] => [
    `${part}: ${name}`,
    { limit, text: met === false ? `**missed** ${measured}` : measured },
  ]),
  ...figures.map(({ name, measured }): readonly [string, Cell] => [
    `${part}: ${name}`,
    { limit: 'none', text: measured },
  ]),
];

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** These runs side by side, in Markdown: each that was measured by the last of them, with its budget. */
export const tableText = (runs: readonly Report[]): string => {
  const last = runs.at(-1);
  if (last === undefined) return 'No full run is saved.';
  const columns = runs.map(({ sections }) => new Map(sections.flatMap(cellsOf)));
  const rows = last.sections.flatMap(cellsOf).map(([name, { limit }]) => {
    const cells = columns.map((column) => column.get(name));
    // A limit that was moved does not judge the runs before.
    const texts = cells.map((cell) =>
      cell === undefined ? '–' : cell.limit === limit ? cell.text : `${cell.text} (${cell.limit})`,
    );
    return line([name, ...texts, limit]);
  });
  const failed = runs.flatMap(({ at, sections }) =>
    sections.flatMap((section) => [
      ...(section.failed === undefined ? [] : [`${at}: ${section.name} failed: ${section.failed}`]),
      ...section.missing.map(({ name, reason }) => `${at}: ${section.name}: ${name} failed: ${reason}`),
    ]),
  );
  return [
    machineOf(last.machine),
    ...runs.map(
      ({ at, seconds, machine: { commit, node, load } }) =>
        `${at}: commit ${commit}, Node ${node}, load ${load.toFixed(2)} before it, ${Math.round(seconds / 60)} minutes`,
    ),
    ...failed,
    '',
    line(['what', ...runs.map(({ at }) => at.slice(0, 16).replace('T', ' ')), 'budget']),
    line(['what', ...runs, 'budget'].map(() => '---')),
    ...rows,
  ].join('\n');
};
