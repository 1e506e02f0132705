import { readCommand, type Read } from '../shared/command-line.ts';
import { maybeWord, type Spec } from '../shared/spec.ts';
import { awsHelp, configFlag, requireOneStage } from '../shared/stage-flags.ts';

const oneStage = 'Give one STAGE, or --config FILE; --help says more';
const words = { stage: maybeWord(oneStage) };

export const spec = {
  call: 'npm run existing --',
  about: 'What an account brings to a stage: its fields existing and permissionsBoundaryArn (docs/bring-your-own.md).',
  commands: {
    'needs STAGE': {
      does: 'prints what each thing must allow: statements for its policy, routes, ports',
      changes: 'nothing',
      words,
      ...configFlag,
    },
    'check STAGE [--dry-run]': {
      does: 'asks AWS whether each does what a deployment would not report, and changes nothing',
      changes: 'nothing',
      words,
      ...configFlag,
      '--dry-run': 'says what it would ask, and asks nothing',
    },
  },
  more: `${awsHelp}
Exits with 0 if nothing is wrong, 1 if something is wrong or could not be read, 2 if the command line is wrong.`,
  rows: { 'needs NAME, check NAME': "what an account's own VPC, keys and topic must allow; checks it" },
} as const satisfies Spec;

/** What to do for which stage. */
export type ExistingPlan = Read<typeof spec>;

/** Reads the command line. @throws UsageError */
export const readFlags = (args: readonly string[]): ExistingPlan => requireOneStage(readCommand(spec, args), oneStage);
