import { UsageError } from '../../bin/shared/errors.ts';
import { whole, type Spec, type Take } from '../../bin/shared/spec.ts';
import { groups } from './groups.ts';

const all = Object.keys(groups).join(', ');

const groupsIn: Take<readonly string[]> = (names) => {
  const unknown = names.filter((name) => !Object.hasOwn(groups, name));
  if (unknown.length === 0) return names;
  throw new UsageError(`There is no ${unknown.join(', ')}. Say one or more of: ${all}.`);
};

export const spec = {
  call: 'npm run test:mutation --',
  changes: 'Runs Stryker over these groups of files, or over all, one after the other, each with its own tests.',
  usage: '[NAME…] [--sample PERCENT]',
  words: { names: groupsIn },
  '--sample PERCENT': whole('mutates this part of the top-level statements, drawn by their text', 1, 100, 100),
  more: `Names: ${all}.`,
  rows: {
    'NAME…': 'hours: mutants of all parts, or of the parts named, against their unit tests',
    '--sample PERCENT': 'the same of that part of the top-level statements, the same ones in each run of the same code',
  },
} as const satisfies Spec;
