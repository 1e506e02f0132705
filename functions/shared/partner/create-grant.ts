import { base64url } from '../base64url.ts';
import { nowSeconds, type Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { PayerTokenAnswer } from '../payer/client.ts';
import { grantLifetime } from '../registry/profile.ts';
import type { Registry } from '../registry/registry.ts';
import type { Payer } from '../registry/types.ts';
import { readsSomething } from '../scopes/limit-scopes.ts';
import { logScopes } from '../scopes/log-scopes.ts';
import { isUnreadable } from '../scopes/payer-words.ts';
import { scopeAtPayer } from '../scopes/scope-at-payer.ts';
import type { Scopes } from '../scopes/scopes.ts';
import { bearerSizes, codeWrapKey, writeBearer } from '../store/bearers.ts';
import { seal, sealIvBytes, sha256 } from '../store/crypto.ts';
import type { Table } from '../store/dynamo.ts';
import { sealPayerTokens, type IdentityFacts } from '../store/grant-item.ts';
import { putGrant } from '../store/grants.ts';
import type { LoginAttempt } from '../store/login-attempts.ts';

/** What creating a grant needs. */
export interface CreateGrantDeps {
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly registry: Pick<Registry, 'lifetimes'>;
  readonly grants: Table;
}

/** What a partner asked for: at authorize, or with its member's identity token. */
export interface GrantRequest extends Pick<
  LoginAttempt,
  'partner' | 'redirectUri' | 'scope' | 'refreshable' | 'codeChallenge'
> {
  /** What is kept of the identity by which the grant is made. @default the member signed in at the payer */
  readonly identity?: IdentityFacts;
}

/** For the operator: what the payer said, and what to write if that means everything. */
const grantedNothing = (payer: Payer, { identity }: GrantRequest, answered?: Scopes): string => {
  const isOdd = isUnreadable(payer);
  if (answered === undefined || answered.some((scope) => scope.kind === 'resource' && !isOdd(scope))) {
    return 'the payer and the partner have no scope in common that reads anything';
  }
  if (answered.length === 0) {
    return "the payer's answer has a scope that names nothing; if it grants what was asked, write grantedScope: 'asRequested'";
  }
  const shown = logScopes(answered, { counted: identity !== undefined });
  return answered.some(isOdd)
    ? `the payer granted ${shown}, in which no scope can be read; words of its own that name no resources belong into ownScopes`
    : `the payer granted ${shown}, which names no resources; if it grants what was asked, write grantedScope: 'asRequested'`;
};

/** The scope that partner and payer agree on; with `offline_access` only if it can be honored. */
const requireGrantedScope = (
  payer: Payer,
  request: GrantRequest,
  { scope }: Pick<PayerTokenAnswer, 'scope'>,
  refreshable: boolean,
): Scopes => {
  const agreed = scopeAtPayer(payer, request.scope, scope);
  const kept = agreed.filter(({ word }) => refreshable || word !== 'offline_access');
  if (!readsSomething(kept)) {
    throw new GatewayError('access_denied', 'The health plan granted none of the access that was asked for.', {
      detail: grantedNothing(payer, request, scope),
    });
  }
  return kept;
};

/**
 * Creates the grant and its code, the second and last write of a login. The key that opens the payer tokens travels
 * with the partner's bearers. The item has it only wrapped under the code's secret, until the code is redeemed.
 * @throws GatewayError `access_denied`, `temporarily_unavailable`
 */
export const createGrant = async (
  deps: CreateGrantDeps,
  payer: Payer,
  request: GrantRequest,
  answer: Omit<PayerTokenAnswer, 'patient'> & {
    readonly patient: string | undefined;
    /** Undefined if the patient is. */
    readonly memberIndex: string | undefined;
  },
  requestId: string,
): Promise<{ grantId: string; code: string }> => {
  const { lifetimes } = deps.registry;
  const { tokens, patient, memberIndex } = answer;
  const now = nowSeconds(deps.clock);
  const refreshable = request.refreshable && tokens.refreshToken !== undefined;
  const scope = requireGrantedScope(payer, request, answer, refreshable);
  const longest = now + grantLifetime(lifetimes, payer);
  const endsAt =
    tokens.refreshToken === undefined ? Math.min(longest, tokens.expiresAt ?? now + lifetimes.accessToken) : longest;
  const grantId = base64url(deps.randomBytes(bearerSizes.id));
  const grantKey = deps.randomBytes(bearerSizes.secret);
  const secret = deps.randomBytes(bearerSizes.secret);
  const code = writeBearer({ kind: 'code', grantId, secret });
  const codeExpiresAt = Math.min(now + lifetimes.code, endsAt);
  const bound = {
    grantId,
    payer: payer.id,
    partner: request.partner,
    patient,
    scope,
    refreshable,
    redirectUri: request.redirectUri,
    codeHash: sha256(code),
    codeExpiresAt,
    codeChallenge: request.codeChallenge,
    endsAt,
  };
  const grant = {
    ...bound,
    expiresAt: codeExpiresAt,
    wrappedKey: seal(codeWrapKey({ grantId, secret }), grantKey, grantId, deps.randomBytes(sealIvBytes)),
    sealedPayerTokens: sealPayerTokens(tokens, { grant: bound, grantKey, iv: deps.randomBytes(sealIvBytes) }),
    payerVersion: 1,
    linkKey: deps.randomBytes(bearerSizes.secret),
    memberIndex,
  };
  await putGrant(deps.grants, grant, { now, requestId, identity: request.identity });
  return { grantId, code };
};
