import type { Read } from '../../bin/shared/command-line.ts';
import { UsageError } from '../../bin/shared/errors.ts';
import { otherwise, read, type Spec } from '../../bin/shared/spec.ts';

/** It runs on someone's own machine, so a value beyond `most` is a mistake. */
const upTo = (most: number, help: string) =>
  read(`${help}, at most ${most}`, (given, name) => {
    const value = /^\d+(?:\.\d+)?$/.test(given) ? Number(given) : Number.NaN;
    if (value > 0 && value <= most) return value;
    throw new UsageError(`--${name} takes a number above 0 and up to ${most}`);
  });

export const spec = {
  call: 'npm run soak --',
  does: 'The local stack under load, loopback only, with a payer that fails one call in twenty. It needs Linux.',
  '--minutes N': otherwise(upTo(120, 'for how long'), 10),
  '--rate R': otherwise(upTo(200, 'operations a second'), 50),
  exits: 'Exits with 0 if every limit was kept, 1 if one was broken, 2 if the command line is wrong.',
  rows: { '--minutes N --rate R': 'the local stack under load, with a payer that fails one call in twenty' },
} as const satisfies Spec;

export type Flags = Pick<Read<typeof spec>, 'minutes' | 'rate'>;
