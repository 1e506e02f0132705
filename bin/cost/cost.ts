import { readFile, writeFile } from 'node:fs/promises';
import { readArguments } from '../shared/command-line.ts';
import type { Output } from '../shared/output.ts';
import { costTables, withCostTables } from './tables.ts';

const help = `npm run cost -- [flags]

Prints what the gateway costs at AWS's list prices (bin/cost/prices-*.json), as Markdown.

  --write     puts the tables into docs/reports/cost.md instead
  --dry-run   with --write: says whether the document would change, and writes nothing
  --help      this text`;

const flags = { write: { type: 'boolean' }, 'dry-run': { type: 'boolean' }, help: { type: 'boolean' } } as const;

/** What the tool is given from outside. */
export interface CostToolDeps {
  /** The document that the tables are written into. */
  readonly file: string;
  readonly output: Pick<Output, 'out' | 'note'>;
}

/**
 * Prints the cost tables, or writes them into the document.
 * @returns the exit code
 * @throws UsageError, Error if the document has no place for the tables
 */
export const cost = async (args: readonly string[], { file, output }: CostToolDeps): Promise<number> => {
  const { values } = readArguments({ args: [...args], options: flags });
  if (values.help === true) output.out(help);
  else if (values.write === true) {
    const before = await readFile(file, 'utf8');
    const after = withCostTables(before);
    const isDryRun = values['dry-run'] === true;
    if (!isDryRun) await writeFile(file, after);
    const what = before === after ? 'is up to date' : isDryRun ? 'would change' : 'was written';
    output.note(`${file} ${what}.${isDryRun ? ' Nothing was written.' : ''}`);
  } else output.out(costTables());
  return 0;
};
