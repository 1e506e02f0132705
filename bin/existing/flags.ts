import { awsHelp, readArguments, stageFlags, UsageError, type StageFlags } from '../shared/command-line.ts';

export const help = `npm run existing -- needs STAGE
npm run existing -- check STAGE [--dry-run]

What an account brings to a stage: its fields existing and permissionsBoundaryArn (docs/bring-your-own.md).

  needs            prints what each thing must allow: statements for its policy, routes, ports
  check            asks AWS whether each does what a deployment would not report, and changes nothing

  --config FILE    a stage's configuration, .ts or .json, instead of STAGE
  --dry-run        with check: says what it would ask, and asks nothing
  --help           this text

${awsHelp}
Exits with 0 if nothing is wrong, 1 if something is wrong or could not be read, 2 if the command line is wrong.`;

/** What to do for which stage. */
export interface ExistingPlan {
  readonly command: 'needs' | 'check';
  readonly stage: StageFlags;
  /** The stage as the person named it. */
  readonly named: string;
  readonly dryRun: boolean;
}

const flags = {
  config: stageFlags.config,
  'dry-run': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/**
 * Reads the command line.
 * @returns `help` if that was asked for
 * @throws UsageError
 */
export const readFlags = (args: readonly string[]): ExistingPlan | 'help' => {
  const { values, positionals } = readArguments({ args: [...args], options: flags, allowPositionals: true });
  if (values.help === true) return 'help';
  const [command, stage, ...more] = positionals;
  if (command !== 'needs' && command !== 'check') {
    throw new UsageError('Give a command, needs or check; --help says more');
  }
  if (more.length > 0 || (stage === undefined) === (values.config === undefined)) {
    throw new UsageError('Give one STAGE, or --config FILE; --help says more');
  }
  const dryRun = values['dry-run'] === true;
  if (dryRun && command === 'needs') throw new UsageError('--dry-run does not apply to needs, which asks nothing');
  return {
    command,
    stage: stage === undefined ? { config: values.config ?? '' } : { stage },
    named: stage ?? `--config ${values.config ?? ''}`,
    dryRun,
  };
};
