import { GatewayError } from '../../shared/errors.ts';
import type { Breakers } from './breakers.ts';
import type { GuardedCall } from './environment.ts';
import type { Watch } from './watch-call.ts';

/**
 * Makes a call to a payer, the refresh of payer tokens before it included, if the payer's breaker lets it through. A
 * refresh is never interrupted.
 * @throws GatewayError `temporarily_unavailable` if the breaker refuses, and what the call throws
 */
export const throughBreaker = async <T>(
  { breakers }: { readonly breakers: Breakers },
  call: GuardedCall,
  work: (watch: Watch) => Promise<T>,
): Promise<T> => {
  const watch = await breakers.admit(call);
  try {
    return await work(watch);
  } catch (error) {
    // Of the refresh, too: a payer that hangs there takes as many environments.
    if (error instanceof GatewayError && error.code === 'payer_timeout') await watch.unanswered();
    throw error;
  } finally {
    await watch.end();
  }
};
