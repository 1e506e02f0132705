import type { Payer } from '../registry/types.ts';
import { callbackUri } from '../registry/urls.ts';
import { sha256 } from '../store/crypto.ts';

/** The URL of the gateway's own authorization request to a payer (RFC 6749 §4.1.1), as the payer's profile wants it. */
export const payerAuthorizeUrl = (
  origin: string,
  { id, authorizationEndpoint, clientId, scopes, fhirBaseUrl, quirks }: Payer,
  { state, verifier }: { readonly state: string; readonly verifier: string },
): string => {
  const url = new URL(authorizationEndpoint);
  const send = {
    ...quirks.extraAuthorizeParameters,
    ...(quirks.responseType ? { response_type: 'code' } : {}),
    client_id: clientId,
    redirect_uri: callbackUri(origin, id),
    state,
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    ...(quirks.aud ? { aud: fhirBaseUrl } : {}),
    ...(quirks.pkce ? { code_challenge: sha256(verifier), code_challenge_method: 'S256' } : {}),
  };
  for (const [name, value] of Object.entries(send)) url.searchParams.set(name, value);
  return url.href;
};
