import { nowSeconds } from '../../shared/clock.ts';
import { GatewayError } from '../../shared/errors.ts';
import { parameters } from '../../shared/http/api.ts';
import { checkScope, type CheckedRequest } from '../../shared/partner/check-authorize-request.ts';
import { makeGrant, revokeOnFailure } from '../../shared/partner/make-grant.ts';
import type { PayerTokenAnswer } from '../../shared/payer/client.ts';
import { identityProfile } from '../../shared/registry/profile.ts';
import { checkNotBlocked, checkNotPaused } from '../../shared/registry/require-payer.ts';
import { facadeBase } from '../../shared/registry/urls.ts';
import { isStoppedSince } from '../../shared/store/member-stops.ts';
import { requireTarget } from '../check-target.ts';
import { requireAssertion, type Assertion, type AuthenticatedPartner } from '../client-authentication.ts';
import type { IdentityDeps, TokenDeps, TokenRequest } from '../deps.ts';
import type { TokenAnswer } from '../issue.ts';
import { redeemCode } from '../redeem-code.ts';
import { askForMember } from './ask-payer.ts';
import { identifyAgainOnFailure } from './identify-again.ts';
import { limitNoMatches } from './limit-no-matches.ts';
import { readCmsSmart, type CmsSmart } from './read-cms-smart.ts';
import { bindAttestation, spendIdentity } from './spend-identity.ts';
import { mayPresent, takesIdentities, type IdentityPayer } from './takes-identities.ts';
import { mostAhead, verifyIdentity, type VerifiedIdentity } from './verify-identity.ts';

/** @throws GatewayError `invalid_client`, or `unauthorized_client` if the partner may not present identities */
const requirePresenter = (request: TokenRequest): [AuthenticatedPartner, Assertion] => {
  const [client, assertion] = requireAssertion(request);
  if (!mayPresent(client)) {
    throw new GatewayError('unauthorized_client', "This app may not present its members' identity tokens.");
  }
  return [client, assertion];
};

/** @throws GatewayError `invalid_grant` if the member agreed too long ago, or has not yet */
const checkAttestation = ({ attestedAtMs }: CmsSmart, nowMs: number, longestAge: number): void => {
  const wrong =
    nowMs - attestedAtMs > longestAge * 1000
      ? `is more than ${longestAge} seconds ago; ask the member again`
      : attestedAtMs - nowMs > mostAhead * 1000
        ? `is more than ${mostAhead} seconds ahead; check the clock`
        : undefined;
  if (wrong !== undefined) throw new GatewayError('invalid_grant', `cms_smart: user_action_timestamp ${wrong}.`);
};

/** For how long a call waits, since each keeps an environment: for a clock that is off, and a time that has milliseconds. */
const longestHoldMs = 2000;

/** @throws GatewayError `too_many_requests` if the token begins too late to wait for; nothing is spent */
const requireNearlyBegun = (aheadMs: number): void => {
  if (aheadMs <= longestHoldMs) return;
  throw new GatewayError(
    'too_many_requests',
    'The identity token or the approval begins in some seconds. Wait, and send the same ones with a new client assertion.',
    {
      retryAfterSeconds: Math.ceil(aheadMs / 1000),
      detail: 'the identity provider or the partner has a clock ahead',
    },
  );
};

const aheadMsOf = ({ latestTime }: VerifiedIdentity, { attestedAtMs }: CmsSmart, nowMs: number): number =>
  // A payer may count whole seconds.
  Math.max(Math.ceil(latestTime) * 1000, Math.ceil(attestedAtMs / 1000) * 1000) - nowMs;

/** A request that has passed every check, so that the payer can be asked. */
interface Checked {
  readonly partner: AuthenticatedPartner;
  readonly payer: IdentityPayer;
  readonly asked: Pick<CheckedRequest, 'scope' | 'refreshable'>;
  readonly cmsSmart: CmsSmart;
  readonly verified: VerifiedIdentity;
  readonly longestAge: number;
}

/** Checks all that can be checked without spending anything. */
const checkRequest = async (deps: TokenDeps, identity: IdentityDeps, request: TokenRequest): Promise<Checked> => {
  const [partner, assertion] = requirePresenter(request);
  const payer = await requireTarget(deps, request.form, partner, {
    takes: takesIdentities,
    otherwise: 'This health plan takes no identity tokens; send the member to its sign-in.',
    note: (id) => request.note({ payer: id, partner: partner.clientId }),
  });
  const { identitySignIn } = payer;
  const asked = checkScope(request.form, { partner, payer: identityProfile(payer) });
  const cmsSmart = readCmsSmart(assertion, identitySignIn);
  const { longestConsentAge: longestAge } = identity;
  checkAttestation(cmsSmart, deps.clock.now(), longestAge);
  const verifying = { ...identity, now: nowSeconds(deps.clock) };
  const verified = await verifyIdentity(verifying, partner, identitySignIn, cmsSmart.idToken);
  requireNearlyBegun(aheadMsOf(verified, cmsSmart, deps.clock.now()));
  return { partner, payer, asked, cmsSmart, verified, longestAge };
};

/**
 * Waits until every time in the token has passed, since a payer refuses one that is even a second ahead.
 * @throws GatewayError if the partner was blocked or the payer paused in the meantime
 */
const waitUntilBegun = async (
  { registry, clock }: TokenDeps,
  { sleep }: IdentityDeps,
  { partner, payer, cmsSmart, verified }: Checked,
): Promise<void> => {
  const aheadMs = aheadMsOf(verified, cmsSmart, clock.now());
  if (aheadMs <= 0) return;
  await sleep(aheadMs);
  await checkNotBlocked(registry, partner.clientId);
  await checkNotPaused(registry, payer.id);
};

/** Spends the identity token, waits if necessary, and asks the payer once. A token that is already spent cannot wait. */
const spendAndAsk = async (
  deps: TokenDeps,
  identity: IdentityDeps,
  { requestId }: TokenRequest,
  checked: Checked,
): Promise<PayerTokenAnswer> => {
  const { partner, payer, cmsSmart, verified, longestAge } = checked;
  const spending = { grants: deps.grants, now: nowSeconds(deps.clock), requestId };
  await bindAttestation(spending, { ...cmsSmart, partner: partner.clientId, longestAge }, verified);
  await spendIdentity(spending, payer.id, verified);
  return identifyAgainOnFailure(async () => {
    await waitUntilBegun(deps, identity, checked);
    return askForMember(deps, payer, cmsSmart);
  });
};

/** @throws GatewayError `invalid_grant` if the member stopped the app after approving */
const checkNotStopped = async (
  { grants }: TokenDeps,
  memberIndex: string,
  { partner }: { readonly partner: string },
  attestedAt: number,
): Promise<void> => {
  // The partner's clock may be ahead, so that an approval from before the stop seems to be from after it.
  if (!(await isStoppedSince(grants, { memberIndex, partner }, attestedAt - mostAhead))) return;
  throw new GatewayError(
    'invalid_grant',
    `The member stopped this app after the approval in cms_smart, or at most ${mostAhead} seconds before it; ask for approval again.`,
    { detail: 'the approval is older than a stop' },
  );
};

/**
 * Makes a grant of a member's identity token, without a browser (RFC 6749 §4.4 with `extensions.cms_smart` of the CMS payer
 * participation specification, and RFC 8707). Whatever is wrong here is found before the payer is asked. The token and what
 * it says are in this invocation's memory only.
 * @throws GatewayError of RFC 6749 §5.2, `invalid_target`, `too_many_requests`, `temporarily_unavailable`
 */
export const grantByIdentity = async (deps: TokenDeps, request: TokenRequest): Promise<TokenAnswer> => {
  const { identity } = deps;
  if (identity === undefined) throw new TypeError('this stage has no identity provider');
  const checked = await checkRequest(deps, identity, request);
  const { partner, payer, asked, cmsSmart, verified } = checked;
  const names = { partner: partner.clientId, payer: payer.id };
  const counting = { limits: identity.limits, clock: deps.clock };
  const answer = await limitNoMatches(counting, names, () => spendAndAsk(deps, identity, request, checked));

  const { issuer, level } = verified;
  const attestedAt = Math.floor(cmsSmart.attestedAtMs / 1000);
  return identifyAgainOnFailure(async () => {
    const { grantId, code } = await makeGrant(
      { ...deps, indexMember: identity.indexMember },
      identityProfile(payer),
      // No browser is sent anywhere, and the code does not leave this function.
      {
        ...asked,
        partner: names.partner,
        redirectUri: facadeBase(deps.origin, payer.id),
        identity: { issuer, level, attestedAt },
      },
      answer,
      {
        requestId: request.requestId,
        checkMember: (memberIndex) => checkNotStopped(deps, memberIndex, names, attestedAt),
      },
    );
    request.note({ grantId, ...names });
    return revokeOnFailure(deps, payer, answer.tokens, () =>
      redeemCode(deps, { ...request, form: parameters([['code', code]]) }),
    );
  });
};
