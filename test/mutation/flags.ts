import { UsageError } from '../../bin/shared/errors.ts';
import { matching, otherwise, type Spec, type Take } from '../../bin/shared/spec.ts';
import { groups } from './groups.ts';

const groupsIn: Take<readonly string[]> = (names) => {
  const unknown = names.filter((name) => !Object.hasOwn(groups, name));
  if (unknown.length === 0) return names;
  throw new UsageError(`There is no ${unknown.join(', ')}. Say one or more of: ${Object.keys(groups).join(', ')}.`);
};

export const spec = {
  call: 'npm run test:mutation --',
  about: 'Runs Stryker over these groups of files, or over all, one after the other, each with its own tests.',
  usage: '[NAME…] [--sample PERCENT]',
  changes: 'files',
  words: { names: groupsIn },
  '--sample PERCENT': otherwise(
    matching(
      'mutates this part of the top-level statements, drawn by their text (default 100)',
      /^(?:100|[1-9]\d?)$/,
      'a percentage from 1 to 100',
    ),
    '100',
  ),
  more: `Names: ${Object.keys(groups).join(', ')}.`,
  rows: {
    'NAME…': 'hours: mutants of all parts, or of the parts named, against their unit tests',
    '--sample PERCENT': 'the same of that part of the top-level statements, the same ones in each run of the same code',
  },
} as const satisfies Spec;
