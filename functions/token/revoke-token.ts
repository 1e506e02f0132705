import { nowSeconds } from '../shared/clock.ts';
import { GatewayError } from '../shared/errors.ts';
import { findLiveAccess } from '../shared/partner/live-grant.ts';
import { revokeAtPayer } from '../shared/payer/client.ts';
import {
  familyHash,
  readAccessToken,
  readRefreshToken,
  readSystemToken,
  type AccessToken,
  type RefreshToken,
} from '../shared/store/bearers.ts';
import { sameHash, sha256 } from '../shared/store/crypto.ts';
import { isLive, unsealPayerTokens, type Grant } from '../shared/store/grant-item.ts';
import { getGrant, revoke } from '../shared/store/grants.ts';
import { requireClient, requirePublicClient } from './client-authentication.ts';
import type { TokenDeps, TokenRequest } from './deps.ts';
import { revokeSystemToken } from './exchange/known-system-token.ts';

/** Whether the grant knows a token: a live access token, or any refresh token of the family. */
const isOfGrant = (grant: Grant, token: AccessToken | RefreshToken, text: string, now: number): boolean =>
  token.kind === 'refresh'
    ? sameHash(grant.familyHash, familyHash(token))
    : findLiveAccess(grant, sha256(text), now) !== undefined;

/**
 * Revokes a grant by either of its tokens (RFC 7009 §2.1), first here and then at the payer. A system token ends by itself. An unknown or already
 * revoked token is a success. Another client's token is refused and stays valid.
 * @throws GatewayError `invalid_request`, `invalid_client`, `temporarily_unavailable`
 */
export const revokeToken = async (deps: TokenDeps, request: TokenRequest): Promise<object> => {
  const text = request.form.values.get('token');
  if (text === undefined) throw new GatewayError('invalid_request', 'token is missing.');
  if (readSystemToken(text) !== undefined) {
    requireClient(request.partner);
    await revokeSystemToken(deps, request, text);
    return {};
  }
  const token = readAccessToken(text) ?? readRefreshToken(text);
  const now = nowSeconds(deps.clock);
  const grant = token && (await getGrant(deps.grants, token.grantId));
  if (!token || !grant || !isOfGrant(grant, token, text, now)) {
    // The answer must not tell a client without authentication which tokens exist.
    if (request.partner === undefined) requirePublicClient(undefined);
    return {};
  }
  request.note(grant);
  const partner = request.partner ?? requirePublicClient(await deps.registry.partner(grant.partner));
  if (grant.partner !== partner.clientId) {
    throw new GatewayError('invalid_grant', 'The token was issued to another client.');
  }
  const ended = await endGrant(deps, request, grant, now);
  if (ended !== undefined) await revokeUpstream(deps, ended, token.grantKey);
  return {};
};

/**
 * Ends the grant and returns it as it was at that moment: if its payer tokens were refreshed since the read, the new
 * ones must be revoked at the payer. Undefined if it had already ended.
 */
const endGrant = async (
  deps: TokenDeps,
  { requestId }: TokenRequest,
  grant: Grant,
  now: number,
): Promise<Grant | undefined> => {
  for (let current: Grant | undefined = grant; current !== undefined && isLive(current, now);) {
    const { grantId, payerVersion } = current;
    if (await revoke(deps.grants, grantId, 'byPartner', { now, requestId, payerVersion })) return current;
    current = await getGrant(deps.grants, grantId);
  }
  return undefined;
};

const revokeUpstream = async (deps: TokenDeps, grant: Grant, grantKey: Uint8Array): Promise<void> => {
  // A pause stops reads and logins. It must not keep an access alive. The grant has ended here, so a payer whose entry
  // cannot be read changes nothing, as a payer that fails does.
  const payer = await deps.registry.payer(grant.payer, { evenIfPaused: true }).catch(() => undefined);
  if (payer !== undefined) await revokeAtPayer(deps, payer, unsealPayerTokens(grant, grantKey));
};
