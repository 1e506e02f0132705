import type { Spec } from '../../bin/shared/spec.ts';

export const spec = {
  call: 'npm run test:times --',
  changes: `Runs the unit tests, and prints how much processor time each folder and the dearest files took: to load, to test, and in
processes that they started. Processor time depends less on what else a machine does than the time on a clock, but a busy
one counts up to twice as much.`,
  '--only PATH': 'only the files whose path has this',
  '--write': 'write the tables into docs/reports/testing.md',
  exits: 'Exits with 0 if the tests passed, with another code if not, and 2 if the command line is wrong.',
  rows: { '--write': 'the unit tests; writes where their processor time went into docs/reports/testing.md' },
} as const satisfies Spec;
