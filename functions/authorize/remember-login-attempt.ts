import { base64url } from '../shared/base64url.ts';
import { nowSeconds } from '../shared/clock.ts';
import type { Deps } from '../shared/deps.ts';
import type { ApiEvent } from '../shared/http/api.ts';
import type { CheckedRequest } from '../shared/partner/check-authorize-request.ts';
import type { CheckedClient } from '../shared/partner/check-client.ts';
import { setLoginCookie } from '../shared/partner/login-cookie.ts';
import { sealIvBytes } from '../shared/store/crypto.ts';
import type { Table } from '../shared/store/dynamo.ts';
import { putLoginAttempt } from '../shared/store/login-attempts.ts';

/** What the redirect to the payer needs. */
export interface StartedAttempt {
  readonly state: string;
  readonly verifier: string;
  readonly cookies: readonly string[];
}

/**
 * Writes the login attempt, the only write of an authorize request.
 * @throws GatewayError `temporarily_unavailable`
 */
export const rememberLoginAttempt = async (
  deps: Deps & { readonly loginAttempts: Table },
  event: ApiEvent,
  { payer, partner, returnTo }: CheckedClient,
  { scope, refreshable, codeChallenge }: CheckedRequest,
): Promise<StartedAttempt> => {
  const random = (): string => base64url(deps.randomBytes(32));
  const state = random();
  const verifier = random();
  const cookie = random();
  const { loginAttempt } = deps.registry.lifetimes;
  const now = nowSeconds(deps.clock);
  await putLoginAttempt(
    deps.loginAttempts,
    {
      payer: payer.id,
      partner: partner.clientId,
      redirectUri: returnTo.redirectUri,
      scope,
      refreshable,
      verifier,
      codeChallenge,
      partnerState: returnTo.state,
    },
    { state, cookie, now, expiresAt: now + loginAttempt, iv: deps.randomBytes(sealIvBytes) },
  );
  return { state, verifier, cookies: setLoginCookie(event, state, cookie, loginAttempt) };
};
