import { nowSeconds } from '../shared/clock.ts';
import { GatewayError, type Signal } from '../shared/errors.ts';
import { checkReadsSomething, findAllowed, mayRefresh, scopeNow } from '../shared/partner/live-grant.ts';
import { bearerSizes, codeWrapKey, familyHash, readCode, writeBearer } from '../shared/store/bearers.ts';
import { sameHash, sha256, unseal } from '../shared/store/crypto.ts';
import { checkUnchanged, isLive, type Grant } from '../shared/store/grant-item.ts';
import { getGrant, redeem, revoke } from '../shared/store/grants.ts';
import { requireClient } from './client-authentication.ts';
import type { TokenDeps, TokenRequest } from './deps.ts';
import { accessExpiresAt, issuedAccess, tokenAnswer, type TokenAnswer } from './issue.ts';

const invalidCode = (detail: string): GatewayError =>
  new GatewayError('invalid_grant', 'The code is unknown, expired, or not for this client.', { detail });

const redeemedTwice = (signal?: Signal): GatewayError =>
  new GatewayError(
    'invalid_grant',
    "The code was redeemed twice, so its tokens have been revoked; does the app's callback run twice?",
    { detail: 'code replayed by its owner: grant revoked', signal },
  );

/** RFC 7636 §4.6, and the form of a verifier in §4.1. */
const checkVerifier = (grant: Grant, verifier: string | undefined): void => {
  if (grant.codeChallenge === undefined) {
    if (verifier !== undefined) throw invalidCode('a verifier though the login attempt had no challenge');
    return;
  }
  if (verifier === undefined) throw new GatewayError('invalid_grant', 'code_verifier is missing.');
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier) || !sameHash(grant.codeChallenge, sha256(verifier))) {
    throw new GatewayError('invalid_grant', 'code_verifier does not fit the challenge.');
  }
};

/** Checks everything that makes the caller the code's rightful owner. Nothing here uses the code up. */
const checkOwner = (grant: Grant, clientId: string, { form }: TokenRequest): void => {
  if (grant.partner !== clientId) throw invalidCode("another client's code");
  const redirectUri = form.values.get('redirect_uri');
  if (redirectUri !== undefined && redirectUri !== grant.redirectUri) {
    throw new GatewayError('invalid_grant', 'redirect_uri differs from the one that the login began with.');
  }
  checkVerifier(grant, form.values.get('code_verifier'));
};

const revokeAfterReplay = async (
  deps: TokenDeps,
  grant: Grant,
  { requestId }: TokenRequest,
  now: number,
): Promise<never> => {
  if (grant.codeExpiresAt <= now) throw invalidCode('a used code, after its time');
  await revoke(deps.grants, grant.grantId, 'codeReplayed', { now, requestId });
  throw redeemedTwice('reuseDetected');
};

/**
 * Redeems a code (RFC 6749 §4.1.3) with one read and one conditional write. A replay by the rightful owner before the
 * code expires revokes the grant. Another client, or a wrong verifier, changes nothing.
 * @throws GatewayError `invalid_grant`, `invalid_client`, `temporarily_unavailable`
 */
export const redeemCode = async (deps: TokenDeps, request: TokenRequest): Promise<TokenAnswer> => {
  const partner = requireClient(request.partner);
  const presented = request.form.values.get('code');
  if (presented === undefined) throw new GatewayError('invalid_request', 'code is missing.');
  const code = readCode(presented);
  if (code === undefined) throw new GatewayError('invalid_grant', 'The code is malformed or was not issued here.');
  const now = nowSeconds(deps.clock);

  const grant = await getGrant(deps.grants, code.grantId);
  if (grant === undefined || !sameHash(grant.codeHash, sha256(presented))) throw invalidCode('no such code');
  request.note(grant);
  checkOwner(grant, partner.clientId, request);
  if (grant.redeemedAt !== undefined && grant.revokedAt === undefined)
    return revokeAfterReplay(deps, grant, request, now);
  // Until its code is redeemed, a grant ends with the code.
  if (!isLive(grant, now)) throw invalidCode('expired or revoked');
  const allowed = await findAllowed(deps.registry, grant);
  if (allowed === undefined) throw invalidCode('the config no longer allows this grant');
  const scope = scopeNow(grant.scope, allowed.partner);
  checkReadsSomething(grant, scope);
  const grantKey = unseal(codeWrapKey(code), grant.wrappedKey ?? new Uint8Array(), grant.grantId);
  checkUnchanged(grant, grantKey);

  return issueTokens(
    deps,
    request,
    { ...grant, scope, refreshable: mayRefresh(grant, allowed.partner) },
    grantKey,
    now,
  );
};

const issueTokens = async (
  deps: TokenDeps,
  request: TokenRequest,
  grant: Grant,
  grantKey: Uint8Array,
  now: number,
): Promise<TokenAnswer> => {
  const { grantId } = grant;
  const familySecret = deps.randomBytes(bearerSizes.secret);
  const access = writeBearer({ kind: 'access', grantId, grantKey, secret: deps.randomBytes(bearerSizes.secret) });
  const refresh = grant.refreshable
    ? writeBearer({ kind: 'refresh', grantId, grantKey, familySecret, secret: deps.randomBytes(bearerSizes.secret) })
    : undefined;
  const expiresAt = accessExpiresAt(deps.registry.lifetimes, grant, now);
  const issued = issuedAccess(access, expiresAt, grant.scope);
  const refreshHash = refresh === undefined ? undefined : sha256(refresh);
  const stored = { access: issued, refreshHash, familyHash: familyHash({ grantKey, familySecret }) };

  const won = await redeem(deps.grants, grant, stored, { now, requestId: request.requestId });
  if (!won) await checkOwnRedemption(deps, request, grant, issued.hash, now);
  return tokenAnswer(grant, issued, { access, refresh }, now);
};

/** The condition failed: another redemption was first, or the write was ours and its answer was lost. */
const checkOwnRedemption = async (
  deps: TokenDeps,
  request: TokenRequest,
  grant: Grant,
  accessHash: string,
  now: number,
): Promise<void> => {
  const current = await getGrant(deps.grants, grant.grantId);
  if (current?.redeemedBy === request.requestId && current.access?.hash === accessHash && isLive(current, now)) return;
  if (current?.redeemedAt !== undefined && current.revokedAt === undefined)
    await revokeAfterReplay(deps, current, request, now);
  if (current?.redeemedAt !== undefined) throw redeemedTwice();
  throw invalidCode('expired or revoked while it was redeemed');
};
