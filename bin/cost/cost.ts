import { readFile, writeFile } from 'node:fs/promises';
import { readArguments, readStage, refuseUnusedFlags, stageFlags, UsageError } from '../shared/command-line.ts';
import type { Output } from '../shared/output.ts';
import { broughtBy, sizeOf } from './stage-size.ts';
import { costTables, idleTable, withCostTables } from './tables.ts';

const help = `npm run cost -- [flags]

Prints what the gateway costs at AWS's list prices (bin/cost/prices-*.json), as Markdown; of one stage, what it costs per
month before anybody uses it. What a stage brings of its own (docs/bring-your-own.md) is not counted.

  --stage NAME    a stage in config/
  --config FILE   a stage's configuration, .ts or .json
  --payers N      with so many payers (default: the stage's)
  --partners N    with so many partners (default: the stage's)
  --secrets N     payers with a secret of their own: neither public clients nor with secretOf (default: the stage's, or
                  all of --payers)
  --write         puts the tables into docs/reports/cost.md instead
  --dry-run       with --write: says whether the document would change, and writes nothing
  --help          this text`;

const flags = {
  ...stageFlags,
  payers: { type: 'string' },
  partners: { type: 'string' },
  secrets: { type: 'string' },
  write: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const countOf = (flag: string, text: string): number => {
  if (!/^\d{1,6}$/.test(text))
    throw new UsageError(`--${flag} is ${JSON.stringify(text)}; write a number, such as 5000`);
  return Number(text);
};

type Given = Partial<Record<'stage' | 'config' | 'payers' | 'partners' | 'secrets', string>>;

/** The table of the stage that the flags name, or of `production-example`. */
const tableFor = async ({ stage, config, ...given }: Given): Promise<string> => {
  const named = config === undefined ? { stage: stage ?? 'production-example' } : { stage, config };
  const stageConfig = await readStage(named);
  const size = sizeOf(stageConfig);
  const payers = given.payers === undefined ? size.payers : countOf('payers', given.payers);
  const partners = given.partners === undefined ? size.partners : countOf('partners', given.partners);
  const usualSecrets = given.payers === undefined ? size.secrets : payers;
  const secrets = given.secrets === undefined ? usualSecrets : countOf('secrets', given.secrets);
  if (secrets > payers) throw new UsageError(`--secrets is ${secrets}, more than the ${payers} payers`);
  return idleTable({ ...size, payers, partners, secrets }, broughtBy(stageConfig.existing));
};

/** What the tool is given from outside. */
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
  const { values } = readArguments({ args: [...args], options: flags });
  const { write, 'dry-run': dryRun, help: _help, ...size } = values;
  if (values.help === true) output.out(help);
  else if (Object.keys(size).length > 0) {
    refuseUnusedFlags('the cost of one stage', values, Object.keys(size));
    output.out(await tableFor(size));
  } else if (write === true) {
    const before = await readFile(file, 'utf8');
    const after = withCostTables(before);
    const isDryRun = dryRun === true;
    if (!isDryRun) await writeFile(file, after);
    const what = before === after ? 'is up to date' : isDryRun ? 'would change' : 'was written';
    output.note(`${file} ${what}.${isDryRun ? ' Nothing was written.' : ''}`);
  } else output.out(costTables());
  return 0;
};
