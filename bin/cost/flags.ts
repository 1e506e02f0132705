import { readCommand } from '../shared/command-line.ts';
import { UsageError } from '../shared/errors.ts';
import { flagName, whole, type Spec } from '../shared/spec.ts';
import { configFlag } from '../shared/stage-flags.ts';

const count = (help: string) => whole(help, 0, 999_999, 'a number, such as 5000');

export const spec = {
  call: 'npm run cost --',
  about: `Prints what the gateway costs at AWS's list prices (bin/cost/prices-*.json), as Markdown; of one stage, what it costs per
month before anybody uses it. What a stage brings of its own (docs/bring-your-own.md) is not counted.`,
  usage: '[flags]',
  changes: 'files',
  '--stage NAME': 'a stage in config/',
  ...configFlag,
  '--payers N': count("with so many payers (default: the stage's)"),
  '--partners N': count("with so many partners (default: the stage's)"),
  '--secrets N':
    count(`payers with a secret of their own: neither public clients nor with secretOf (default: the stage's, or
    all of --payers)`),
  '--write': 'puts the tables into docs/reports/cost.md instead',
  '--dry-run': 'with --write: says whether the document would change, and writes nothing',
  rows: { '': 'computes what a stage, a member and a million reads cost' },
} as const satisfies Spec;

/** Reads the command line: the size of one stage, if a flag names it. @throws UsageError */
export const readFlags = (args: readonly string[]) => {
  const { command: _command, write, dryRun, ...given } = readCommand(spec, args);
  const size = Object.values(given).some((value) => value !== undefined) ? given : undefined;
  const other = write ? 'write' : dryRun ? 'dryRun' : undefined;
  if (size !== undefined && other !== undefined)
    throw new UsageError(`--${flagName(other)} does not apply to the cost of one stage; --help lists the flags`);
  return { size, write, dryRun };
};

/** What one stage is to be computed for. */
export type AskedSize = NonNullable<ReturnType<typeof readFlags>['size']>;
