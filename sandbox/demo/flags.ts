import type { Spec } from '../../bin/shared/spec.ts';
import { memberFlag } from '../sign-in/member.ts';

export const spec = {
  call: 'npm run demo --',
  does: `Starts a local stack on free ports, makes a partner app's three calls, and compares what came with what the demo payer holds.`,
  '--identity': "gets the grant by the member's identity, in one call, in place of a sign-in at the payer",
  '--export': 'exports the whole record, in place of reading it page by page',
  '--exchange': "asks the payer for three members as another plan's own system does, and exports those it matches",
  '--json': 'prints the result as JSON',
  '--member NAME': memberFlag,
  exits: 'Exits with 0 if both agree, 1 if not or if a step fails, 2 if the command line is wrong.',
  rows: {
    '[--identity] [--export]': 'makes the three calls, or an export, and compares what came with what the payer holds',
    '--exchange': 'asks for three members as another plan does, and compares what came',
  },
} as const satisfies Spec;
