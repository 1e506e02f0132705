import { markOf, stepOf, type Breaker } from '../../shared/store/breaker-item.ts';
import { markLate, openBreaker, readBreaker } from '../../shared/store/breakers.ts';
import type { Environment, GuardedCall } from './environment.ts';

/** A late call that finds the breaker changed this often leaves it to the others. */
const mostTries = 4;

/**
 * Marks a payer's breaker for a late call, or opens it if enough calls are late and nothing has answered since.
 * @returns whether this call opened it
 * @throws whatever DynamoDB throws
 */
export const markOrOpen = async (
  { limits, clock, times, note }: Environment,
  { payer: { id }, grant }: GuardedCall,
): Promise<boolean> => {
  const mark = markOf(grant);
  let current: Breaker | undefined;
  for (let tries = 0; tries < mostTries; tries += 1) {
    current ??= await readBreaker(limits, id, { consistent: true });
    note(id, current);
    const nowMs = clock.now();
    switch (stepOf(current, mark, nowMs, times)) {
      case 'none':
        return false;
      case 'mark':
        current = await markLate(limits, id, current, mark, nowMs, times);
        break;
      case 'open': {
        current = await openBreaker(limits, id, current, nowMs, times);
        if (current === undefined) break;
        note(id, current);
        return true;
      }
    }
  }
  return false;
};
