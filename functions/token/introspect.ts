import { nowSeconds } from '../shared/clock.ts';
import { GatewayError } from '../shared/errors.ts';
import { accessScopeNow, findAllowed, findLiveAccess, mayRefresh, scopeNow } from '../shared/partner/live-grant.ts';
import { facadeBase } from '../shared/registry/urls.ts';
import { writeScopes, type Scopes } from '../shared/scopes/scopes.ts';
import { readAccessToken, readRefreshToken, readSystemToken } from '../shared/store/bearers.ts';
import { sha256 } from '../shared/store/crypto.ts';
import { checkUnchanged, isCurrentRefresh, isLive, type Grant } from '../shared/store/grant-item.ts';
import { getGrant } from '../shared/store/grants.ts';
import { requireConfidentialClient } from './client-authentication.ts';
import type { TokenDeps, TokenRequest } from './deps.ts';
import { describeSystemToken } from './exchange/known-system-token.ts';

const inactive = { active: false };

/** JSON omits undefined members. */
const describe = (deps: TokenDeps, grant: Grant, { scope, exp }: { scope: Scopes; exp: number }): object => ({
  active: true,
  scope: writeScopes(scope),
  client_id: grant.partner,
  exp,
  iss: facadeBase(deps.origin, grant.payer),
  patient: grant.patient,
  grant_id: grant.grantId,
});

/**
 * Introspection (RFC 7662) for the token's own client, which must authenticate (§2.1): otherwise a thief with a public
 * client's refresh token could ask here when it is rotated, and follow. The answer for another client's token, an
 * unknown one or a dead one is exactly `{"active": false}`. So it is for a rotated refresh token, although a repeat of
 * it may still be answered.
 * @throws GatewayError `invalid_request`, `invalid_client`, `temporarily_unavailable`
 */
export const introspect = async (deps: TokenDeps, request: TokenRequest): Promise<object> => {
  const partner = requireConfidentialClient(request.partner);
  const text = request.form.values.get('token');
  if (text === undefined) throw new GatewayError('invalid_request', 'token is missing.');
  if (readSystemToken(text) !== undefined) return (await describeSystemToken(deps, request, text)) ?? inactive;
  const now = nowSeconds(deps.clock);
  const access = readAccessToken(text);
  const token = access ?? readRefreshToken(text);
  if (token === undefined) return inactive;

  const grant = await getGrant(deps.grants, token.grantId);
  if (grant === undefined || grant.partner !== partner.clientId || !isLive(grant, now)) return inactive;
  request.note(grant);
  const allowed = await findAllowed(deps.registry, grant);
  if (allowed === undefined) return inactive;
  const hash = sha256(text);
  const issued = access === undefined ? undefined : findLiveAccess(grant, hash, now);
  const isKnown =
    access === undefined ? isCurrentRefresh(grant, hash) && mayRefresh(grant, allowed.partner) : issued !== undefined;
  if (!isKnown) return inactive;
  checkUnchanged(grant, token.grantKey);
  return issued === undefined
    ? describe(deps, grant, { scope: scopeNow(grant.scope, allowed.partner), exp: grant.endsAt })
    : describe(deps, grant, { scope: accessScopeNow(grant, issued, allowed.partner), exp: issued.expiresAt });
};
