import { asGatewayError, GatewayError } from '../shared/errors.ts';
import type { Partner, Payer } from '../shared/registry/types.ts';
import type { FetchDeps } from './deps.ts';
import type { Deadline } from './gate.ts';

/**
 * How often the registry is asked during a read. With the twenty seconds that an entry is kept, a block or a pause ends
 * a read within thirty seconds.
 */
const lookMs = 5000;

const checkStillAllowed = async (
  { registry }: Pick<FetchDeps, 'registry'>,
  { clientId }: Pick<Partner, 'clientId'>,
  { id }: Pick<Payer, 'id'>,
): Promise<void> => {
  const [partner, payer] = await Promise.all([registry.partner(clientId), registry.payer(id)]);
  if (payer === undefined || partner?.payers.includes(id) !== true) {
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
  deps: Pick<FetchDeps, 'registry'>,
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
