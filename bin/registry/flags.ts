import { awsHelp, readArguments, refuseUnusedFlags, UsageError, type StageFlags } from '../shared/command-line.ts';
import { longestReason, requireReason } from '../shared/reason.ts';

export const help = `npm run registry -- diff STAGE [flags]
npm run registry -- apply STAGE --reason TEXT [flags]
npm run --silent registry -- export STAGE [flags]

A stage's payers and partners are in config/STAGE.ts, and in the table Registry, which the functions read.

diff         compares the file with the table: what apply would add, change and remove, who is blocked or paused, which
             items were changed by hand, and how many living grants a change would end.
apply        makes the table as the file is. It refuses what the check refuses, and a file older than the one that was
             applied last. It never ends or begins a block or a pause.
export       prints the table's payers and partners, to be pasted into the file.

  --config FILE        a stage's configuration, .ts or .json, in place of STAGE
  --reason TEXT        apply: why, kept with your name; no secret (up to ${longestReason} characters). Asked for at a terminal
  --dry-run            apply: says what it would do, and changes nothing
  --yes                apply: goes on without asking if grants would end, or if the file's age cannot be known
  --over-newer         apply: goes on although a newer file was applied
  --json               diff, export: prints JSON
  --table NAME         the registry table (default: the one named p2p-gateway-{stage}-TablesRegistry…)
  --grants-table NAME  diff, apply: the grants table (default: p2p-gateway-{stage}-TablesGrants…)
  --help               this text

${awsHelp}
Exits with 0 if it is done, or if diff finds no difference; 1 if it cannot be done, 2 if the command line is wrong, 3 if
diff finds a difference.`;

/** What to do. */
export interface RegistryCommand {
  readonly command: 'diff' | 'apply' | 'export';
  readonly stage: StageFlags;
  /** Undefined if none was given. */
  readonly reason: string | undefined;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly overNewer: boolean;
  readonly json: boolean;
  readonly table: string | undefined;
  readonly grantsTable: string | undefined;
}

const flags = {
  config: { type: 'string' },
  reason: { type: 'string' },
  'dry-run': { type: 'boolean' },
  yes: { type: 'boolean' },
  'over-newer': { type: 'boolean' },
  json: { type: 'boolean' },
  table: { type: 'string' },
  'grants-table': { type: 'string' },
  help: { type: 'boolean' },
} as const;

/** The flags that each command uses. */
const used: Readonly<Record<RegistryCommand['command'], readonly (keyof typeof flags)[]>> = {
  diff: ['config', 'json', 'table', 'grants-table'],
  apply: ['config', 'reason', 'dry-run', 'yes', 'over-newer', 'table', 'grants-table'],
  export: ['config', 'json', 'table'],
};

const commandIn = (word: string | undefined): RegistryCommand['command'] => {
  if (word === 'diff' || word === 'apply' || word === 'export') return word;
  throw new UsageError(word === undefined ? help : `There is no command "${word}"; --help lists the commands`);
};

const stageIn = (command: string, words: readonly string[], config: string | undefined): StageFlags => {
  const [stage, ...more] = words;
  if (more.length > 0 || (stage === undefined) === (config === undefined)) {
    throw new UsageError(`Give one stage, or --config FILE: ${command} STAGE`);
  }
  return { stage, config };
};

/** Why a change needs a reason. */
export const missingReason = 'Give --reason TEXT: it is kept with your name, for whoever asks later';

/**
 * Reads the command line.
 * @returns `help` if that was asked for
 * @throws UsageError
 */
export const readFlags = (args: readonly string[]): RegistryCommand | 'help' => {
  const { values, positionals } = readArguments({ args: [...args], options: flags, allowPositionals: true });
  if (values.help === true) return 'help';
  const [word, ...rest] = positionals;
  const command = commandIn(word);
  refuseUnusedFlags(command, values, used[command]);
  return {
    command,
    stage: stageIn(command, rest, values.config),
    reason: values.reason === undefined ? undefined : requireReason(values.reason, missingReason),
    dryRun: values['dry-run'] === true,
    yes: values.yes === true,
    overNewer: values['over-newer'] === true,
    json: values.json === true,
    table: values.table,
    grantsTable: values['grants-table'],
  };
};
