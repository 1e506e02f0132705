import { UsageError } from '../../bin/shared/errors.ts';
import { read, whole, type Spec } from '../../bin/shared/spec.ts';
import type { PayerSpec } from './spec.ts';

const payerIn = (given: string): PayerSpec => {
  try {
    return JSON.parse(given) as PayerSpec;
  } catch {
    throw new UsageError('--spec is no JSON; write a payer as a run prints it');
  }
};

const row =
  'the records of invented payers, each account compared with what the payer holds; prints the smallest payer of each kind of broken promise';

export const spec = {
  call: 'npm run test:truth --',
  does: `Exports the records of invented payers, and compares each account with what the payer holds.`,
  '--payers N': whole('how many payers', 0, Number.MAX_SAFE_INTEGER, 1000),
  '--seed N': whole('the seed of a run that is to be repeated (default: a new one)'),
  '--spec JSON': read('one payer, as a run prints it', payerIn),
  rows: { '--payers N --seed S': row },
} as const satisfies Spec;
