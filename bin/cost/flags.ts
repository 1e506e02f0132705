import type { Read } from '../shared/command-line.ts';
import { whole, type Rule, type Spec } from '../shared/spec.ts';
import { configFlag } from '../shared/stage-flags.ts';

const count = (help: string) => whole(`with so many ${help}`, 0, 999_999);

const noStage: Rule = (given) => {
  const written = ['write', 'dry-run'].find((name) => given.has(name));
  const isOfStage = [...given].some((name) => name !== 'write' && name !== 'dry-run');
  return written === undefined || !isOfStage
    ? undefined
    : `--${written} does not apply to the cost of one stage; --help lists the flags`;
};

export const spec = {
  call: 'npm run cost --',
  changes: `Prints what the gateway costs at AWS's list prices (bin/cost/prices-*.json), as Markdown; of one stage, what it costs per
month before anybody uses it. What a stage brings of its own (docs/bring-your-own.md) is not counted.`,
  rules: [noStage],
  '--stage NAME': 'a stage in config/',
  ...configFlag,
  '--payers N': count("payers (default: the stage's)"),
  '--partners N': count("partners (default: the stage's)"),
  '--secrets N':
    count(`payers with a secret of their own: neither public clients nor with secretOf (default: the stage's, or
    all of --payers)`),
  '--write': 'puts the tables into docs/reports/cost.md instead',
  '--dry-run': 'with --write: says whether the document would change, and writes nothing',
  rows: { '': 'computes what a stage, a member and a million reads cost' },
} as const satisfies Spec;

/** What one stage is to be computed for. */
export type AskedSize = Pick<Read<typeof spec>, 'stage' | 'config' | 'payers' | 'partners' | 'secrets'>;
