import type { Partner } from '../../config/stage.ts';
import { nowSeconds } from '../shared/deps.ts';
import { GatewayError } from '../shared/errors.ts';
import { isCovered } from '../shared/fhir/scopes.ts';
import { byBearerAlone } from '../shared/oauth/client-authentication.ts';
import { type TokenAnswer, accessExpiresAt, issuedAccess, tokenAnswer } from '../shared/oauth/issue.ts';
import { stillAllowed } from '../shared/oauth/live-grant.ts';
import { type RefreshToken, familyHash, readRefreshToken, successors, writeBearer } from '../shared/store/bearers.ts';
import { sameHash, sha256 } from '../shared/store/crypto.ts';
import { type Grant, isLive } from '../shared/store/grant.ts';
import { getGrant, revoke, rotate } from '../shared/store/grants.ts';
import type { TokenDeps, TokenRequest } from './deps.ts';

const rotationSaltBytes = 32;

const invalidRefreshToken = (detail: string): GatewayError =>
  new GatewayError('invalid_grant', 'The refresh token is unknown, expired, or not for this client.', { detail });

/** The scope of the new access token: the grant's, or the narrower one that was asked for (RFC 6749 §6). */
const narrowedScope = (grant: Grant, requested: string | undefined): string => {
  const held = grant.scope.split(' ');
  const wanted = (requested ?? '').split(' ').filter((scope) => scope !== '');
  if (wanted.length === 0) return grant.scope;
  if (!wanted.every((scope) => isCovered(scope, held))) {
    throw new GatewayError('invalid_scope', 'A refresh may narrow the scope, not widen it.');
  }
  return wanted.join(' ');
};

/** The same pair again, for whoever repeats a refresh within its grace: one read, no write. */
const repeat = (presented: RefreshToken, grant: Grant, now: number): TokenAnswer | undefined => {
  if (grant.rotationSalt === undefined || grant.access === undefined) return undefined;
  const pair = successors(presented, grant.rotationSalt);
  return tokenAnswer(
    grant,
    grant.access,
    { access: writeBearer(pair.access), refresh: writeBearer(pair.refresh) },
    now,
  );
};

const graceSeconds = ({ registry: { lifetimes } }: TokenDeps, partner: Partner): number =>
  partner.clientAuthentication.includes('none') ? lifetimes.publicRefreshGrace : lifetimes.refreshGrace;

const isRepeat = (deps: TokenDeps, partner: Partner, grant: Grant, hash: string, now: number): boolean =>
  sameHash(grant.previousRefreshHash, hash) && now < (grant.rotatedAt ?? 0) + graceSeconds(deps, partner);

const reused = async (deps: TokenDeps, { requestId }: TokenRequest, grant: Grant, now: number): Promise<never> => {
  await revoke(deps.grants, grant.grantId, 'refreshTokenReused', { now, requestId });
  throw new GatewayError('invalid_grant', 'The refresh token was used before, so the access has been revoked.', {
    detail: 'refresh token reused: grant revoked',
    signal: 'reuseDetected',
  });
};

/**
 * Refreshes a partner's pair (RFC 6749 §6): one read and one conditional write.
 *
 *     rotate ────── grace ──────┐
 *     previous token: same pair │ reuse: the grant is revoked
 *
 * @throws GatewayError `invalid_grant`, `invalid_scope`, `invalid_client`, `temporarily_unavailable`
 */
export const refresh = async (deps: TokenDeps, request: TokenRequest): Promise<TokenAnswer> => {
  const text = request.form.values.get('refresh_token');
  if (text === undefined) throw new GatewayError('invalid_request', 'refresh_token is missing.');
  const presented = readRefreshToken(text);
  if (presented === undefined)
    throw new GatewayError('invalid_grant', 'The refresh token is damaged, or none of ours.');
  const now = nowSeconds(deps.clock);

  const grant = await getGrant(deps.grants, presented.grantId);
  if (grant === undefined || !sameHash(grant.familyHash, familyHash(presented)))
    throw invalidRefreshToken('no such token');
  const partner = request.partner ?? byBearerAlone(await deps.registry.partner(grant.partner));
  if (grant.partner !== partner.clientId) throw invalidRefreshToken("another client's refresh token");
  request.note(grant);
  if (!isLive(grant, now)) throw invalidRefreshToken('the grant has ended');
  if (!(await stillAllowed(deps.registry, grant))) throw invalidRefreshToken('partner or payer left the config');
  const scope = narrowedScope(grant, request.form.values.get('scope'));
  const hash = sha256(text);

  if (sameHash(grant.refreshHash, hash)) {
    const rotated = await rotatePair(deps, request, { grant, presented, hash, scope, now });
    if (rotated) return rotated;
  }
  return afterRotation(deps, request, { grant, presented, hash, partner, now });
};

const rotatePair = async (
  deps: TokenDeps,
  { requestId }: TokenRequest,
  {
    grant,
    presented,
    hash,
    scope,
    now,
  }: {
    grant: Grant;
    presented: RefreshToken;
    hash: string;
    scope: string;
    now: number;
  },
): Promise<TokenAnswer | undefined> => {
  const salt = deps.randomBytes(rotationSaltBytes);
  const pair = successors(presented, salt);
  const access = writeBearer(pair.access);
  const refreshToken = writeBearer(pair.refresh);
  const issued = issuedAccess(access, accessExpiresAt(deps.registry.lifetimes, grant, now), scope);
  const stored = { presentedHash: hash, access: issued, refreshHash: sha256(refreshToken), salt };
  const won = await rotate(deps.grants, grant, stored, { now, requestId });
  return won ? tokenAnswer(grant, issued, { access, refresh: refreshToken }, now) : undefined;
};

/** The presented token is no longer the current one: a repeat within its grace, or a reuse. */
const afterRotation = async (
  deps: TokenDeps,
  request: TokenRequest,
  {
    grant,
    presented,
    hash,
    partner,
    now,
  }: {
    grant: Grant;
    presented: RefreshToken;
    hash: string;
    partner: Partner;
    now: number;
  },
): Promise<TokenAnswer> => {
  // Where our own condition failed, the grant that was read is no longer the one that is stored.
  const current = sameHash(grant.refreshHash, hash) ? await getGrant(deps.grants, grant.grantId) : grant;
  if (current === undefined || !isLive(current, now)) throw invalidRefreshToken('the grant has ended');
  if (isRepeat(deps, partner, current, hash, now)) {
    const answer = repeat(presented, current, now);
    if (answer) return answer;
  }
  return reused(deps, request, current, now);
};
