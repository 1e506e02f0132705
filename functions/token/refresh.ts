import { base64url } from '../shared/base64url.ts';
import { nowSeconds } from '../shared/clock.ts';
import { GatewayError } from '../shared/errors.ts';
import {
  accessScopeNow,
  checkReadsSomething,
  findAllowed,
  mayRefresh,
  scopeNow,
} from '../shared/partner/live-grant.ts';
import { nameScopes, nearestTypeIn } from '../shared/partner/name-scopes.ts';
import { checkNotPaused } from '../shared/registry/require-payer.ts';
import type { Partner } from '../shared/registry/types.ts';
import { limitScopes, partsApart, partsNamed, readsSomething, scopesBeyond } from '../shared/scopes/limit-scopes.ts';
import { hasWord, parseScopes, type Scope, type Scopes } from '../shared/scopes/scopes.ts';
import {
  bearerSizes,
  familyHash,
  readAccessToken,
  readRefreshToken,
  successors,
  writeBearer,
  type RefreshToken,
} from '../shared/store/bearers.ts';
import { sameHash, sha256 } from '../shared/store/crypto.ts';
import { checkUnchanged, isCurrentRefresh, isLive, type Grant, type IssuedAccess } from '../shared/store/grant-item.ts';
import { addRepeat, getGrant, revoke, rotate } from '../shared/store/grants.ts';
import { requirePublicClient } from './client-authentication.ts';
import type { TokenDeps, TokenRequest } from './deps.ts';
import { accessExpiresAt, issuedAccess, tokenAnswer, type TokenAnswer } from './issue.ts';

const randomSaltBytes = 32;

const invalidRefreshToken = (detail: string): GatewayError =>
  new GatewayError('invalid_grant', 'The refresh token is unknown, expired, or not for this client.', { detail });

/** The message may quote the partner, so the log gets a text of its own. */
const invalidScope = (publicMessage: string, detail: string): GatewayError =>
  new GatewayError('invalid_scope', publicMessage, { detail });

const noLongerOffline = (): GatewayError =>
  new GatewayError('invalid_grant', 'This app may no longer refresh its access. Ask the member to connect again.', {
    detail: 'offline_access was taken from the partner',
  });

type Form = TokenRequest['form'];

/** The requested scope, whatever the order of its words. */
const requestHash = ({ values }: Form): string => {
  const words = parseScopes(values.get('scope') ?? '').map(({ word }) => word);
  return sha256(words.sort().join(' '));
};

/** A rotation's salt ends with the requested scope's hash, so that one write keeps both. */
const saltFor = (deps: TokenDeps, form: Form): Uint8Array =>
  Buffer.concat([deps.randomBytes(randomSaltBytes), Buffer.from(requestHash(form), 'base64url')]);

/**
 * Whether a repeat asks for what the first call asked for, word by word. What it would get now may differ: a registration that
 * has gained something since gives the first call nothing more.
 */
const isSameRequest = (salt: Uint8Array, form: Form): boolean =>
  sameHash(base64url(salt.subarray(randomSaltBytes)), requestHash(form));

const isOfSameTypes =
  (one: Scope) =>
  (other: Scope): boolean =>
    one.kind === 'resource' && other.kind === 'resource' && one.context === other.context && one.type === other.type;

/**
 * The scope of the new access token: the grant's, or a requested narrower one (RFC 6749 §6), limited to the partner's
 * current registration. What the partner is not registered for is dropped, as at authorize, since clients repeat what
 * they asked for there.
 */
const narrowScope = ({ scope }: Grant, partner: Partner, { values }: Form): Scopes => {
  const requested = parseScopes(values.get('scope') ?? '');
  if (requested.length === 0) return scopeNow(scope, partner);
  const asked = limitScopes(requested, parseScopes(partner.scopes));
  // What a registration has gained since, and only a wildcard names, is not asked for: the login's wildcard meant what was granted.
  const wider = scopesBeyond(asked, scope).filter((one) => requested.some(isOfSameTypes(one)));
  if (wider.length > 0) {
    const named = nameScopes(wider);
    throw invalidScope(`A refresh may narrow the scope, not widen it: ${named} was not granted.`, 'a wider scope');
  }
  const now = scopeNow(scope, partner);
  const narrowed = [...limitScopes(asked, scope), ...partsNamed(now, requested)];
  const apart = partsApart(now, narrowed);
  if (apart.length > 0) {
    throw invalidScope(
      `The health plan applies granular scopes of one type together: name ${nameScopes(apart)} too, or none of that type.`,
      'a granular scope without the others of its type',
    );
  }
  if (!readsSomething(narrowed)) {
    const named = nameScopes(requested);
    throw invalidScope(
      `The scope ${named} gives this app nothing to read.${nearestTypeIn(requested)}`,
      'nothing to read',
    );
  }
  return narrowed;
};

/** A presented refresh token, and its grant as it was read. */
interface Shown {
  readonly grant: Grant;
  readonly presented: RefreshToken;
  readonly hash: string;
  readonly partner: Partner;
  readonly now: number;
}

const isPublic = ({ clientAuthentication }: Partner): boolean => clientAuthentication.includes('none');

/**
 * The refresh token for a repeated refresh within the grace. A confidential client has authenticated, so it gets the
 * same one again: one read, no write. A repeat for a public client may come from a thief, so each repeat gets a token
 * of its own. The first one used ends the others, and a second holder reveals itself with its next refresh.
 */
const addRepeatToken = async (deps: TokenDeps, rotated: Shown, again: RefreshToken): Promise<string | undefined> => {
  const { grant, partner, hash, now } = rotated;
  if (!isPublic(partner)) return writeBearer(again);
  const token = writeBearer({ ...again, secret: deps.randomBytes(bearerSizes.secret) });
  return (await addRepeat(deps.grants, grant, { presentedHash: hash, refreshHash: sha256(token), now }))
    ? token
    : undefined;
};

const repeatedTooOften = (): GatewayError =>
  new GatewayError('too_many_requests', 'This refresh was repeated too often. Keep the newest refresh token.', {
    retryAfterSeconds: 1,
    detail: 'no further repeat of this rotation',
  });

/** The pair for a repeated refresh within the grace; undefined if no further repeat could be written. */
const answerRepeat = async (
  deps: TokenDeps,
  rotated: Shown,
  salt: Uint8Array,
  issued: IssuedAccess,
): Promise<TokenAnswer | undefined> => {
  const pair = successors(rotated.presented, salt);
  const token = await addRepeatToken(deps, rotated, pair.refresh);
  if (token === undefined) return undefined;
  return tokenAnswer(rotated.grant, issued, { access: writeBearer(pair.access), refresh: token }, rotated.now);
};

const graceSeconds = ({ registry: { lifetimes } }: TokenDeps, partner: Partner): number =>
  isPublic(partner) ? lifetimes.publicRefreshGrace : lifetimes.refreshGrace;

const isRepeat = (deps: TokenDeps, partner: Partner, grant: Grant, hash: string, now: number): boolean =>
  sameHash(grant.previousRefreshHash, hash) && now < (grant.rotatedAt ?? 0) + graceSeconds(deps, partner);

const revokeAfterReuse = async (
  deps: TokenDeps,
  { requestId }: TokenRequest,
  grant: Grant,
  now: number,
): Promise<never> => {
  await revoke(deps.grants, grant.grantId, 'refreshTokenReused', { now, requestId });
  throw new GatewayError('invalid_grant', 'The refresh token was used before, so the access has been revoked.', {
    detail: 'refresh token reused: grant revoked',
    signal: 'reuseDetected',
  });
};

const notARefreshToken = (text: string): GatewayError =>
  new GatewayError(
    'invalid_grant',
    readAccessToken(text) === undefined
      ? 'The refresh token is malformed or was not issued here.'
      : 'This is an access token. Send the refresh token of the same token answer.',
  );

/**
 * Refreshes a partner's pair of tokens (RFC 6749 §6) with one read and one conditional write.
 *
 *     rotate ─────── grace ────────┐
 *     previous token: the pair     │ reuse: the grant is revoked
 *     again, for the same scope    │
 *     (public clients: a refresh   │
 *     token of its own)            │
 *     any other older token: reuse at once
 *
 * @throws GatewayError `invalid_grant`, `invalid_scope`, `invalid_client`, `temporarily_unavailable`
 */
export const refresh = async (deps: TokenDeps, request: TokenRequest): Promise<TokenAnswer> => {
  const text = request.form.values.get('refresh_token');
  if (text === undefined) throw new GatewayError('invalid_request', 'refresh_token is missing.');
  const presented = readRefreshToken(text);
  if (presented === undefined) throw notARefreshToken(text);
  const now = nowSeconds(deps.clock);

  const grant = await getGrant(deps.grants, presented.grantId);
  if (grant === undefined || !sameHash(grant.familyHash, familyHash(presented)))
    throw invalidRefreshToken('no such token');
  request.note(grant);
  const partner = request.partner ?? requirePublicClient(await deps.registry.partner(grant.partner));
  if (grant.partner !== partner.clientId) throw invalidRefreshToken("another client's refresh token");
  if (!isLive(grant, now)) throw invalidRefreshToken('the grant has ended');
  const allowed = await findAllowed(deps.registry, grant, { evenIfPaused: true });
  if (allowed === undefined) throw invalidRefreshToken('the config no longer allows this grant');
  if (!mayRefresh(grant, partner)) throw noLongerOffline();
  checkReadsSomething(grant, scopeNow(grant.scope, partner));
  checkUnchanged(grant, presented.grantKey);
  const hash = sha256(text);

  const shown = { grant, presented, hash, partner, now };
  // The requested scope is checked after the token: reuse is reuse, whatever else the request says.
  if (!isCurrentRefresh(grant, hash)) return repeatOrRevoke(deps, request, shown);
  // A repeat above gives nothing new. Refused, it would count as reuse once the pause is over.
  await checkNotPaused(deps.registry, grant.payer);
  return rotatePair(deps, request, shown);
};

const rotatePair = async (deps: TokenDeps, request: TokenRequest, shown: Shown): Promise<TokenAnswer> => {
  const { grant, presented, hash, partner, now } = shown;
  const { requestId, form } = request;
  const scope = narrowScope(grant, partner, form);
  const salt = saltFor(deps, form);
  const pair = successors(presented, salt);
  const access = writeBearer(pair.access);
  const refreshToken = writeBearer(pair.refresh);
  const issued = issuedAccess(access, accessExpiresAt(deps.registry.lifetimes, grant, now), scope);
  const stored = { presentedHash: hash, access: issued, refreshHash: sha256(refreshToken), salt };
  const pairAnswer = (): TokenAnswer => tokenAnswer(grant, issued, { access, refresh: refreshToken }, now);
  if (await rotate(deps.grants, grant, stored, { now, requestId })) return pairAnswer();
  const current = await requireLiveGrant(deps, grant, now);
  // The new token is from this call's salt, so the write was ours: the SDK repeated it after a lost answer.
  if (sameHash(current.refreshHash, stored.refreshHash)) return pairAnswer();
  return repeatOrRevoke(deps, request, { ...shown, grant: current });
};

const requireLiveGrant = async (deps: TokenDeps, { grantId }: Grant, now: number): Promise<Grant> => {
  const grant = await getGrant(deps.grants, grantId);
  if (grant === undefined || !isLive(grant, now)) throw invalidRefreshToken('the grant has ended');
  return grant;
};

/** The presented token is not current: a repeat within the grace, or reuse. */
const repeatOrRevoke = async (deps: TokenDeps, request: TokenRequest, shown: Shown): Promise<TokenAnswer> => {
  const { grant, hash, partner, now } = shown;
  const { rotationSalt, access } = grant;
  if (!isRepeat(deps, partner, grant, hash, now) || rotationSalt === undefined || access === undefined) {
    return revokeAfterReuse(deps, request, grant, now);
  }
  // Whatever is answered: a refusal for its scope tells that the token was rotated, too.
  request.count('refreshRepeated');
  // A repeat gets the access token of the first call, so another scope would be answered with too much or too little.
  const scope = accessScopeNow(grant, access, partner);
  if (!isSameRequest(rotationSalt, request.form) || !readsSomething(scope)) {
    const asked = narrowScope(grant, partner, request.form);
    if (asked.length !== scope.length || asked.some(({ word }) => !hasWord(scope, word))) {
      throw invalidScope('A repeat must ask for the same scope.', 'another scope');
    }
  }
  const answer = await answerRepeat(deps, shown, rotationSalt, { ...access, scope });
  if (answer) return answer;
  const since = await requireLiveGrant(deps, grant, now);
  if (sameHash(since.previousRefreshHash, hash)) throw repeatedTooOften();
  return revokeAfterReuse(deps, request, since, now);
};
