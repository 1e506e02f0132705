import { oneOf, otherwise, whole, type Spec } from '../../bin/shared/spec.ts';
import { stores, type StoreName } from './store.ts';

export const spec = {
  call: 'npm run test:model --',
  does: 'Runs random commands against the functions and a model of what they promise, until one promise is broken.',
  '--commands N': whole('how many commands', 0, Number.MAX_SAFE_INTEGER, 20_000),
  '--seed N': whole('the seed of a run that is to be repeated (default: a new one)'),
  '--store NAME': otherwise(oneOf('dynalite or memory', Object.keys(stores) as readonly StoreName[]), 'dynalite'),
  rows: { '--commands N --seed S': 'runs as many random commands as you like, and compares them with a model' },
} as const satisfies Spec;
