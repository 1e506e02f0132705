import { texts, type Spec } from '../bin/shared/spec.ts';

export const spec = {
  call: 'npm run bench --',
  changes: 'Measures the gateway against floors and peers (bench/README.md).',
  '--quick': 'shorter, and less exact',
  '--json': 'prints the report as JSON, and nothing else',
  '--save': 'keeps the report in bench/results',
  '--table': 'measures nothing; prints the last three saved runs of one machine side by side',
  '--planted': 'plants work in each step, and shows that the report names that step and no other',
  '--profile': "what the steps' time goes into, by V8's profiler, beside that of their floors",
  '--only NAME': texts('this part; repeat it for more'),
  exits: 'Exits with 0 if all was measured, 1 if not, 2 if the command line is wrong.',
  rows: { '': 'measures the gateway against floors and peers (bench/README.md)' },
} as const satisfies Spec;
