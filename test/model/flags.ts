import { UsageError } from '../../bin/shared/errors.ts';
import { otherwise, read, whole, type Spec } from '../../bin/shared/spec.ts';
import { stores, type StoreName } from './store.ts';

const number = (help: string) => read('N', help, whole(0, Number.MAX_SAFE_INTEGER, 'a whole number'));

const storeIn = (name: string): StoreName => {
  if (Object.hasOwn(stores, name)) return name as StoreName;
  throw new UsageError(`--store is ${JSON.stringify(name)}; write dynalite or memory`);
};

export const spec = {
  call: 'npm run test:model --',
  about: 'Runs random commands against the functions and a model of what they promise, until one promise is broken.',
  commands: {
    '': {
      usage: '[flags]',
      changes: 'nothing',
      flags: {
        commands: otherwise(number('how many commands (default 20000)'), 20_000),
        seed: number('the seed of a run that is to be repeated (default: a new one)'),
        store: otherwise(read('NAME', 'dynalite (default) or memory', storeIn), 'dynalite'),
      },
    },
  },
  rows: [[['--commands N --seed S'], 'runs as many random commands as you like, and compares them with a model']],
} as const satisfies Spec;
