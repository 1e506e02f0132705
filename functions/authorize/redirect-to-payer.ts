import type { Payer } from '../../config/stage.ts';
import type { ApiResponse } from '../shared/http/api.ts';
import { redirect } from '../shared/http/page.ts';
import type { AuthorizeDeps } from './deps.ts';
import type { StartedAttempt } from './remember-login-attempt.ts';
import { sha256 } from '../shared/store/crypto.ts';
import { callbackUri } from '../shared/urls.ts';

/** Sends the browser to the payer as the gateway's own OAuth request, shaped by the payer's profile. */
export const redirectToPayer = (
  { origin }: AuthorizeDeps,
  { id, authorizationEndpoint, clientId, scopes, fhirBaseUrl, quirks }: Payer,
  { state, verifier, cookies }: StartedAttempt,
): ApiResponse => {
  const url = new URL(authorizationEndpoint);
  const send = {
    ...quirks.extraAuthorizeParameters,
    ...(quirks.responseType ? { response_type: 'code' } : {}),
    client_id: clientId,
    redirect_uri: callbackUri(origin, id),
    state,
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    ...(quirks.aud ? { aud: fhirBaseUrl } : {}),
    ...(quirks.pkce
      ? {
          code_challenge: sha256(verifier),
          code_challenge_method: 'S256',
        }
      : {}),
  };
  for (const [name, value] of Object.entries(send)) url.searchParams.set(name, value);
  return redirect(url.href, cookies);
};
