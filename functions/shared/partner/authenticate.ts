import { nowSeconds, type Clock } from '../clock.ts';
import { payerOf, type ApiEvent } from '../http/api.ts';
import { openGrant, type OpenGrant } from '../payer/open-grant.ts';
import type { RequestRecord } from '../record/request-record.ts';
import type { Registry } from '../registry/registry.ts';
import { requirePayer } from '../registry/require-payer.ts';
import type { Partner, Payer } from '../registry/types.ts';
import { isOtherBearer, readAccessToken, type AccessToken } from '../store/bearers.ts';
import { sha256 } from '../store/crypto.ts';
import type { Table } from '../store/dynamo.ts';
import { isLive, unsealPayerTokens, type Grant, type IssuedAccess } from '../store/grant-item.ts';
import { getGrant } from '../store/grants.ts';
import { invalidToken, presentsSystemToken, requireBearer } from './bearer.ts';
import { bothInOrder } from './both-in-order.ts';
import { accessScopeNow, findAccess, findAllowed } from './live-grant.ts';

/** A read that a partner may make. */
export interface Authenticated {
  readonly partner: Partner;
  readonly payer: Payer;
  readonly open: OpenGrant;
  readonly access: IssuedAccess;
}

const notAnAccessToken = 'This is a refresh token or a code. Send the access token of the same token answer.';
const aSystemToken = 'This is a system token, which opens exchanges between health plans, and no single record.';
const ofAnotherPlan = 'This access token is for another health plan. Use the base URL that the member signed in at.';

/** Whether a token that the grant no longer knows was once issued for it: no one else has the key. */
const isOlderToken = (grant: Grant, { grantKey }: AccessToken): boolean => {
  try {
    unsealPayerTokens(grant, grantKey);
    return true;
  } catch {
    return false;
  }
};

/** What {@link authenticate} needs. */
export interface AuthenticateDeps {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly grants: Table;
}

interface AuthenticateOptions {
  /** Called with the payer in the path as soon as it is known, while the grant is being read. */
  readonly onPayer?: (payerId: string) => void;
  /** Allows the request while the payer is paused. @default false */
  readonly evenIfPaused?: boolean;
}

const requireKnownPayer = async (
  { registry }: AuthenticateDeps,
  event: ApiEvent,
  { onPayer }: AuthenticateOptions,
): Promise<Payer> => {
  const payer = await requirePayer(registry, payerOf(event), { code: 'not_found', evenIfPaused: true });
  onPayer?.(payer.id);
  return payer;
};

interface Presented {
  readonly text: string;
  readonly token: AccessToken;
  readonly grant: Grant;
}

const requireGrant = async ({ grants }: AuthenticateDeps, event: ApiEvent): Promise<Presented> => {
  const text = requireBearer(event);
  const token = readAccessToken(text);
  if (token === undefined) {
    const whatItIs = isOtherBearer(text) ? notAnAccessToken : presentsSystemToken(event) ? aSystemToken : undefined;
    throw invalidToken('damaged, or no access token of ours', whatItIs);
  }
  const grant = await getGrant(grants, token.grantId);
  if (grant === undefined) throw invalidToken('no such grant');
  return { text, token, grant };
};

/**
 * Finds the grant of the presented access token with one strongly consistent read, and checks that partner and payer
 * are still registered, and not stopped. Only the token's holder learns of a stop.
 * @throws GatewayError 401 (RFC 6750 §3.1), `not_found` for an unknown payer, `unauthorized_client` for a blocked
 * partner, `temporarily_unavailable`
 */
export const authenticate = async (
  deps: AuthenticateDeps,
  event: ApiEvent,
  record: RequestRecord,
  options: AuthenticateOptions = {},
): Promise<Authenticated> => {
  const [{ id: payerId }, { text, token, grant }] = await bothInOrder(
    requireKnownPayer(deps, event, options),
    requireGrant(deps, event),
  );
  const now = nowSeconds(deps.clock);
  const access = findAccess(grant, sha256(text));
  if (access === undefined && !isOlderToken(grant, token)) throw invalidToken('no token of this grant');
  Object.assign(record, { grantId: grant.grantId, partner: grant.partner });
  if (access === undefined) throw invalidToken('replaced by later refreshes');
  if (access.expiresAt <= now) throw invalidToken('expired');
  if (!isLive(grant, now)) throw invalidToken('the grant has ended');
  if (grant.payer !== payerId) throw invalidToken("another payer's grant", ofAnotherPlan);
  const allowed = await findAllowed(deps.registry, grant, { evenIfPaused: options.evenIfPaused === true });
  if (allowed === undefined) throw invalidToken('the config no longer allows this grant');
  const scope = accessScopeNow(grant, access, allowed.partner);
  return { ...allowed, access: { ...access, scope }, open: openGrant(grant, token.grantKey) };
};
