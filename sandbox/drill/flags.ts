import { whole, type Spec } from '../../bin/shared/spec.ts';

export const spec = {
  call: 'npm run drill --',
  changes: `Rehearses a loss on a local stack of its own: copies tables, loses them, restores with npm run restore, and tries all that
partners hold. It touches nothing outside that stack.`,
  '--write': 'writes the record into docs/reports/restore-drill.md',
  '--more N': whole('copies N further grants, to measure with, up to 20000', 0, 20_000, 0),
  '--json': 'prints the result as JSON',
  '--dry-run': 'says each step, and does nothing',
  exits: 'Exits with 0 if all is as it must be, 1 if not, 2 if the command line is wrong.',
  rows: { '': 'rehearses a loss and its restore on a local stack' },
} as const satisfies Spec;
