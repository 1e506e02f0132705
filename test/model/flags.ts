import { oneOf, otherwise, whole, type Spec } from '../../bin/shared/spec.ts';
import { stores, type StoreName } from './store.ts';

const number = (help: string) => whole(help, 0, Number.MAX_SAFE_INTEGER, 'a whole number');
const names = Object.keys(stores) as readonly StoreName[];

export const spec = {
  call: 'npm run test:model --',
  about: 'Runs random commands against the functions and a model of what they promise, until one promise is broken.',
  usage: '[flags]',
  changes: 'nothing',
  '--commands N': otherwise(number('how many commands (default 20000)'), 20_000),
  '--seed N': number('the seed of a run that is to be repeated (default: a new one)'),
  '--store NAME': otherwise(oneOf('dynalite (default) or memory', names, 'dynalite or memory'), 'dynalite'),
  rows: { '--commands N --seed S': 'runs as many random commands as you like, and compares them with a model' },
} as const satisfies Spec;
