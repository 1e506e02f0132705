import { UsageError } from '../../bin/shared/errors.ts';
import { otherwise, read, whole, type Spec } from '../../bin/shared/spec.ts';
import type { PayerSpec } from './spec.ts';

const number = (help: string) => whole(help, 0, Number.MAX_SAFE_INTEGER, 'a whole number');

const payerIn = (given: string): PayerSpec => {
  try {
    return JSON.parse(given) as PayerSpec;
  } catch {
    throw new UsageError('--spec is no JSON; write a payer as a run prints it');
  }
};

export const spec = {
  call: 'npm run test:truth --',
  about: `Exports the records of invented payers, and compares each account with what the payer holds.`,
  usage: '[flags]',
  changes: 'nothing',
  '--payers N': otherwise(number('how many payers (default 1000)'), 1000),
  '--seed N': number('the seed of a run that is to be repeated (default: a new one)'),
  '--spec JSON': read('one payer, as a run prints it', payerIn),
  rows: {
    '--payers N --seed S':
      'the records of invented payers, each account compared with what the payer holds; prints the smallest payer of each kind of broken promise',
  },
} as const satisfies Spec;
