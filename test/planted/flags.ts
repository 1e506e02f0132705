import { matching, needed, otherwise, whole, type Spec } from '../../bin/shared/spec.ts';

const seed = whole('which defects; the same ones for the same code', 0, 2 ** 32);

export const spec = {
  call: 'npm run test:planted --',
  changes: `Plants defects, one at a time, in a copy of the last commit, or of another, and says what notices: the compiler, or the
first unit test that fails. Hours for 150. What it found is kept in coverage/planted-S.jsonl, and not asked again by the
next run at the same commit.`,
  usage: '--seed S [flags]',
  '--seed S': needed(seed, 'Say --seed NUMBER, and --count if not 150.'),
  '--count N': whole('how many', 1, 100_000, 150),
  '--only I,J…': matching('these alone, by their number', /^\d+(?:,\d+)*$/, 'numbers such as 3,17'),
  '--at COMMIT': otherwise('a commit other than the last', 'HEAD'),
  rows: {
    '--seed S':
      'hours: plants 150 defects such as a tired engineer makes, one at a time over all folders, and names what notices',
  },
} as const satisfies Spec;
