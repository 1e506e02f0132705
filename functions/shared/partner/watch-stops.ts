import { nowSeconds, type Clock } from '../clock.ts';
import { asGatewayError, GatewayError } from '../errors.ts';
import type { Deadline } from '../http/deadline.ts';
import { mayReadFrom } from '../registry/profile.ts';
import type { Registry } from '../registry/registry.ts';
import type { Partner, Payer } from '../registry/types.ts';
import type { Table } from '../store/dynamo.ts';
import type { Grant } from '../store/grant-item.ts';
import { getLiveScope } from '../store/grants.ts';
import { bothInOrder } from './both-in-order.ts';

/**
 * How often the registry is asked during a read, in milliseconds. With the time that an entry is kept, a block, a pause or a registration
 * that loses scopes ends a read within `everywhereSeconds` (`shared/registry/everywhere.ts`).
 */
export const lookMs = 5000;

/**
 * Checks again that a partner may read from a payer: a refresh of payer tokens can take longer than a block or a pause
 * may.
 * @param isExchange whether it reads for an exchange between plans, for which both must be registered
 * @returns the partner as it is registered now
 * @throws GatewayError if the partner is blocked or removed, or the payer is paused or removed
 */
export const checkStillAllowed = async (
  { registry }: { readonly registry: Registry },
  { clientId }: Pick<Partner, 'clientId'>,
  { id }: Pick<Payer, 'id'>,
  isExchange = false,
): Promise<Partner> => {
  const [partner, payer] = await bothInOrder(registry.partner(clientId), registry.payer(id));
  const isOff = isExchange && (partner?.exchange === undefined || payer?.exchange === undefined);
  if (payer === undefined || partner === undefined || !mayReadFrom(partner, id) || isOff) {
    throw new GatewayError('access_denied', 'This app may no longer read from this health plan.', {
      detail: 'the registry no longer allows this read',
    });
  }
  return partner;
};

/** What may end while a read is under way. */
interface Watched {
  readonly partner: Pick<Partner, 'clientId'>;
  readonly payer: Pick<Payer, 'id'>;
  /** The grant that is read, as it was read last. @default there is none: an exchange between plans is read */
  readonly grant?: Pick<Grant, 'grantId' | 'scope'>;
  /** Checks that the grant and the partner's registration of now still permit what is read. @throws GatewayError */
  readonly checkScope?: (grant: Pick<Grant, 'scope'>, partner: Partner) => void;
  /** What else ends the reading, looked up as the grant is. @throws GatewayError */
  readonly findEnd?: () => Promise<GatewayError | undefined>;
  /** Whether the export that is read, or read for, is still there. */
  readonly isStillThere?: () => Promise<boolean>;
}

/**
 * The grant and the export are read at every second look, so the end of either ends a read within ten seconds, or twenty
 * if they could not be read once. So does what the payer takes back of the grant's scope.
 */
const looksForGrant = 2;

const grantEnded = (): GatewayError =>
  new GatewayError('invalid_token', 'The access token is unknown, expired or revoked.', {
    detail: 'the grant has ended',
  });

const exportGone = (): GatewayError =>
  new GatewayError('not_found', 'The export was deleted, or was replaced by a newer one.', {
    detail: 'the export was deleted or replaced',
  });

/**
 * Ends a read whose partner is blocked or removed, whose payer is paused or removed, whose grant or export has ended, or
 * which registration and grant no longer permit, while it is under way. The deadline's reason is then the GatewayError. It watches until the deadline has ended. A grant
 * or an export that cannot be read once does not end it; twice in a row does.
 */
export const watchStops = (
  deps: { readonly registry: Registry; readonly clock: Clock; readonly grants: Table },
  {
    partner,
    payer,
    grant,
    checkScope = () => undefined,
    findEnd: findOtherEnd = () => Promise.resolve(undefined),
    isStillThere = () => Promise.resolve(true),
  }: Watched,
  { signal, end }: Deadline,
): void => {
  let looks = 0;
  let unread = 0;
  let left = grant?.scope ?? [];
  const findEnd = async (): Promise<GatewayError | undefined> => {
    try {
      const live = grant === undefined ? [] : await getLiveScope(deps.grants, grant.grantId, nowSeconds(deps.clock));
      const isThere = live !== undefined && (await isStillThere());
      const other = isThere ? await findOtherEnd() : undefined;
      unread = 0;
      if (live === undefined) return grantEnded();
      left = live;
      return isThere ? other : exportGone();
    } catch (error) {
      unread += 1;
      if (unread > 1) throw error;
      return undefined;
    }
  };
  const look = async (): Promise<void> => {
    looks += 1;
    const registered = await checkStillAllowed(deps, partner, payer, grant === undefined);
    const ended = looks % looksForGrant === 0 ? await findEnd() : undefined;
    if (ended !== undefined) throw ended;
    checkScope({ scope: left }, registered);
  };
  const timer = setInterval(() => {
    look().catch((error: unknown) => end(asGatewayError(error)));
  }, lookMs);
  timer.unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
};
