import { readFile, writeFile } from 'node:fs/promises';
import { readCommand } from '../shared/command-line.ts';
import { UsageError } from '../shared/errors.ts';
import type { Output } from '../shared/output.ts';
import { readStage } from '../shared/stage-flags.ts';
import { spec, type AskedSize } from './flags.ts';
import { broughtBy, sizeOf } from './stage-size.ts';
import { costTables, idleTable, withCostTables } from './tables.ts';

/** The table of the stage that the flags name, or of `production-example`. */
const tableFor = async ({ stage, config, ...given }: AskedSize): Promise<string> => {
  const named = config === undefined ? { stage: stage ?? 'production-example' } : { stage, config };
  const stageConfig = await readStage(named);
  const size = sizeOf(stageConfig);
  const { payers = size.payers, partners = size.partners } = given;
  const { secrets = given.payers === undefined ? size.secrets : payers } = given;
  if (secrets > payers) throw new UsageError(`--secrets is ${secrets}, more than the ${payers} payers`);
  return idleTable({ ...size, payers, partners, secrets }, broughtBy(stageConfig.existing));
};

/** What the tool needs that tests replace. */
export interface CostToolDeps {
  /** The document that the tables are written into. */
  readonly file: string;
  readonly output: Pick<Output, 'out' | 'note'>;
}

/**
 * Prints the cost tables or one stage's, or writes them into the document.
 * @returns the exit code
 * @throws UsageError, ConfigError, Error if the document has no place for the tables
 */
export const cost = async (args: readonly string[], { file, output }: CostToolDeps): Promise<number> => {
  const { command: _command, write, dryRun, ...size } = readCommand(spec, args);
  if (Object.values(size).some((value) => value !== undefined)) output.out(await tableFor(size));
  else if (write) {
    const before = await readFile(file, 'utf8');
    const after = withCostTables(before);
    if (!dryRun) await writeFile(file, after);
    const what = before === after ? 'is up to date' : dryRun ? 'would change' : 'was written';
    output.note(`${file} ${what}.${dryRun ? ' Nothing was written.' : ''}`);
  } else output.out(costTables());
  return 0;
};
