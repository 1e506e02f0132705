import { otherwise, whole, type Spec } from '../../bin/shared/spec.ts';

const seconds = (help: string) =>
  otherwise(whole(`${help} (default 60)`, 1, 86_400, 'a number of seconds, such as 60'), 60);

export const floodSpec = {
  call: 'npm run test:limits --',
  about: 'Twenty processes, offered twice the limit of 50 per second, over one table in dynalite.',
  usage: '[flags]',
  changes: 'nothing',
  '--seconds N': seconds('for how long'),
  '--skewed N': otherwise(whole('so many have a clock two minutes ahead (default 0)', 0, 20, 'a number up to 20'), 0),
  more: 'Exits with 0 if as much was admitted as the limit allows, 1 if not, 2 if the command line is wrong.',
  rows: { '': 'a minute: twenty processes at twice a rate limit; reads admitted, writes a read' },
} as const satisfies Spec;

export const hangSpec = {
  call: 'npm run test:breaker --',
  about: `A payer that hangs beside two that answer, through a bounded pool of processes; then one partner's heavy searches. The
breaker runs ten times as fast as in AWS.`,
  usage: '[flags]',
  changes: 'nothing',
  '--seconds N': seconds('for how long it hangs'),
  '--without': 'the same again without a breaker',
  rows: { '--without': 'four minutes: a payer that hangs beside two that answer, with and without its breaker' },
} as const satisfies Spec;
