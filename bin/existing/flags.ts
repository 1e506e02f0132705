import type { Spec } from '../shared/spec.ts';
import { stageWord } from '../shared/stage-flags.ts';

export const spec = {
  call: 'npm run existing --',
  about: 'What an account brings to a stage: its fields existing and permissionsBoundaryArn (docs/bring-your-own.md).',
  ...stageWord,
  commands: {
    'needs STAGE': { does: 'prints what each thing must allow: statements for its policy, routes, ports' },
    'check STAGE [--dry-run]': {
      does: 'asks AWS whether each does what a deployment would not report, and changes nothing',
      '--dry-run': 'says what it would ask, and asks nothing',
    },
  },
  exits:
    'Exits with 0 if nothing is wrong, 1 if something is wrong or could not be read, 2 if the command line is wrong.',
  rows: { 'needs NAME, check NAME': "what an account's own VPC, keys and topic must allow; checks it" },
} as const satisfies Spec;
