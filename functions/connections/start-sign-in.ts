import { base64url } from '../shared/base64url.ts';
import { nowSeconds } from '../shared/clock.ts';
import type { ApiEvent, ApiResponse } from '../shared/http/api.ts';
import { redirect } from '../shared/pages/browser-headers.ts';
import type { Language } from '../shared/pages/language.ts';
import { setLoginCookie } from '../shared/partner/login-cookie.ts';
import { payerAuthorizeUrl } from '../shared/payer/authorize-url.ts';
import { checkNotPaused } from '../shared/registry/require-payer.ts';
import type { Payer } from '../shared/registry/types.ts';
import { parseScope, type ResourceScope } from '../shared/scopes/scopes.ts';
import { sealIvBytes } from '../shared/store/crypto.ts';
import { putLoginAttempt } from '../shared/store/login-attempts.ts';
import type { ConnectionsDeps } from './deps.ts';

/** Scopes that identify the user (OpenID Connect) or the patient (SMART) and give access to no data. */
const identifying = /^(?:openid|fhirUser|profile|launch(?:\/patient)?)$/;

/** How broad a resource scope is: narrowest for Patient only, then for the context `patient`. */
const breadthOf = ({ type, context }: ResourceScope): number =>
  (type === 'Patient' ? 0 : 2) + (context === 'patient' ? 0 : 1);

const narrowest = (scopes: readonly string[]): string[] => {
  const readable = scopes
    .map(parseScope)
    .filter((scope): scope is ResourceScope => scope.kind === 'resource' && ['Patient', '*'].includes(scope.type));
  return readable
    .toSorted((a, b) => breadthOf(a) - breadthOf(b))
    .slice(0, 1)
    .map(({ word }) => word);
};

/**
 * The fewest scopes of a payer's profile that let it say whose record it is. Others are not registered there, so if the id
 * has to be searched for and the profile has only `patient/*.rs`, the result is `patient/*.rs`. Empty if the payer expects
 * no `scope`.
 */
const identifyingScopes = ({ scopes, patientFrom }: Pick<Payer, 'scopes' | 'patientFrom'>): string[] => {
  const words = scopes.filter((scope) => identifying.test(scope));
  return patientFrom === 'search' || words.length === 0 ? [...words, ...narrowest(scopes)] : words;
};

/**
 * Sends the member to the payer's sign-in, as the gateway's own client there.
 * @throws GatewayError `temporarily_unavailable`, also if the payer is paused
 */
export const startSignIn = async (
  deps: ConnectionsDeps,
  event: ApiEvent,
  payer: Payer,
  language: Language,
): Promise<ApiResponse> => {
  await checkNotPaused(deps.registry, payer.id);
  const random = (): string => base64url(deps.randomBytes(32));
  const [state, verifier, cookie] = [random(), random(), random()];
  const { loginAttempt } = deps.registry.lifetimes;
  const now = nowSeconds(deps.clock);
  await putLoginAttempt(
    deps.loginAttempts,
    { purpose: 'connections', payer: payer.id, verifier, language },
    { state, cookie, now, expiresAt: now + loginAttempt, iv: deps.randomBytes(sealIvBytes) },
  );
  const scopes = identifyingScopes(payer);
  // On a shared device someone else may still be signed in there (OpenID Connect Core §3.1.2.1).
  const more = scopes.includes('openid') ? { more: { prompt: 'login' } } : {};
  const url = payerAuthorizeUrl(deps.origin, payer, { state, verifier, scopes, ...more });
  return redirect(url, setLoginCookie(event, state, cookie, loginAttempt));
};
