import { bothInOrder } from '../both-in-order.ts';
import type { Deps } from '../deps.ts';
import { asGatewayError, GatewayError } from '../errors.ts';
import type { Deadline } from '../http/deadline.ts';
import { mayReadFrom } from '../registry/profile.ts';
import type { Partner, Payer } from '../registry/types.ts';

/**
 * How often the registry is asked during a read. With the twenty seconds that an entry is kept, a block or a pause ends
 * a read within thirty seconds.
 */
const lookMs = 5000;

/**
 * Checks again that a partner may read from a payer: a refresh of payer tokens can take longer than a block or a pause
 * may.
 * @throws GatewayError if the partner is blocked or removed, or the payer is paused or removed
 */
export const checkStillAllowed = async (
  { registry }: Pick<Deps, 'registry'>,
  { clientId }: Pick<Partner, 'clientId'>,
  { id }: Pick<Payer, 'id'>,
): Promise<void> => {
  const [partner, payer] = await bothInOrder(registry.partner(clientId), registry.payer(id));
  if (payer === undefined || partner === undefined || !mayReadFrom(partner, id)) {
    throw new GatewayError('access_denied', 'This app may no longer read from this health plan.', {
      detail: 'the registry no longer allows this read',
    });
  }
};

/**
 * Ends a read whose partner is blocked or removed, or whose payer is paused or removed, while it is under way. The
 * deadline's reason is then the GatewayError. It watches until the deadline has ended.
 */
export const watchStops = (
  deps: Pick<Deps, 'registry'>,
  partner: Pick<Partner, 'clientId'>,
  payer: Pick<Payer, 'id'>,
  { signal, end }: Deadline,
): void => {
  const timer = setInterval(() => {
    checkStillAllowed(deps, partner, payer).catch((error: unknown) => end(asGatewayError(error)));
  }, lookMs);
  timer.unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
};
