import { whole, type Spec } from '../../bin/shared/spec.ts';

export const floodSpec = {
  call: 'npm run test:limits --',
  does: 'Twenty processes, offered twice the limit of 50 per second, over one table in dynalite.',
  '--seconds N': whole('for how long', 1, 86_400, 60),
  '--skewed N': whole('so many have a clock two minutes ahead', 0, 20, 0),
  exits: 'Exits with 0 if as much was admitted as the limit allows, 1 if not, 2 if the command line is wrong.',
  rows: { '': 'a minute: twenty processes at twice a rate limit; reads admitted, writes a read' },
} as const satisfies Spec;

export const hangSpec = {
  call: 'npm run test:breaker --',
  does: `A payer that hangs beside two that answer, through a bounded pool of processes; then one partner's heavy searches. The
breaker runs ten times as fast as in AWS.`,
  '--seconds N': whole('for how long it hangs', 1, 86_400, 60),
  '--without': 'the same again without a breaker',
  rows: { '--without': 'four minutes: a payer that hangs beside two that answer, with and without its breaker' },
} as const satisfies Spec;
