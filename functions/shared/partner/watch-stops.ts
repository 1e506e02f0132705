import { bothInOrder } from '../both-in-order.ts';
import { nowSeconds, type Clock } from '../clock.ts';
import { asGatewayError, GatewayError } from '../errors.ts';
import type { Deadline } from '../http/deadline.ts';
import { mayReadFrom } from '../registry/profile.ts';
import type { Registry } from '../registry/registry.ts';
import type { Partner, Payer } from '../registry/types.ts';
import type { Table } from '../store/dynamo.ts';
import { isGrantLive } from '../store/grants.ts';

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
  { registry }: { readonly registry: Registry },
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

/** What may end while a read is under way. */
interface Watched {
  readonly partner: Pick<Partner, 'clientId'>;
  readonly payer: Pick<Payer, 'id'>;
  readonly grantId: string;
  /** Whether the export that is read, or read for, is still there. */
  readonly isStillThere?: () => Promise<boolean>;
}

/**
 * The grant and the export are read at every second look, so the end of either ends a read within ten seconds, or twenty
 * if they could not be read once.
 */
const looksForGrant = 2;

const grantEnded = (): GatewayError =>
  new GatewayError('invalid_token', 'The access token is unknown, expired or revoked.', {
    detail: 'the grant has ended',
  });

const exportGone = (): GatewayError =>
  new GatewayError('not_found', 'The export was deleted, or another one followed it.', {
    detail: 'the export was deleted or replaced',
  });

/**
 * Ends a read whose partner is blocked or removed, whose payer is paused or removed, or whose grant or export has ended,
 * while it is under way. The deadline's reason is then the GatewayError. It watches until the deadline has ended. A grant
 * or an export that cannot be read once does not end it; twice in a row does.
 */
export const watchStops = (
  deps: { readonly registry: Registry; readonly clock: Clock; readonly grants: Table },
  { partner, payer, grantId, isStillThere = () => Promise.resolve(true) }: Watched,
  { signal, end }: Deadline,
): void => {
  let looks = 0;
  let unread = 0;
  const findEnd = async (): Promise<GatewayError | undefined> => {
    try {
      const isLive = await isGrantLive(deps.grants, grantId, nowSeconds(deps.clock));
      const isThere = isLive && (await isStillThere());
      unread = 0;
      if (!isLive) return grantEnded();
      return isThere ? undefined : exportGone();
    } catch (error) {
      unread += 1;
      if (unread > 1) throw error;
      return undefined;
    }
  };
  const look = async (): Promise<void> => {
    looks += 1;
    await checkStillAllowed(deps, partner, payer);
    const ended = looks % looksForGrant === 0 ? await findEnd() : undefined;
    if (ended !== undefined) throw ended;
  };
  const timer = setInterval(() => {
    look().catch((error: unknown) => end(asGatewayError(error)));
  }, lookMs);
  timer.unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
};
