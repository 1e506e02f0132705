import type { Payer } from '../registry/types.ts';
import { callbackUri } from '../registry/urls.ts';
import { sha256 } from '../store/crypto.ts';

/**
 * The `nonce` of a login attempt (OpenID Connect Core §3.1.2.1), which an `id_token` must repeat. Its verifier is known to
 * the gateway only, so it need not be stored.
 */
export const nonceOf = (verifier: string): string => sha256(`nonce ${verifier}`);

/** What the payer expects as `aud`; undefined if nothing. */
const audienceOf = ({ fhirBaseUrl, quirks: { aud } }: Payer): string | undefined => {
  if (typeof aud === 'string') return aud;
  return aud ? fhirBaseUrl : undefined;
};

/** What an authorization request to a payer is made of. */
interface PayerRequest {
  readonly state: string;
  readonly verifier: string;
  /** @default all that the payer's profile has */
  readonly scopes?: readonly string[];
  /** Parameters in addition to those of the profile. @default none */
  readonly more?: Readonly<Record<string, string>>;
}

/** The URL of the gateway's own authorization request to a payer (RFC 6749 §4.1.1), as the payer's profile wants it. */
export const payerAuthorizeUrl = (
  origin: string,
  payer: Payer,
  { state, verifier, scopes = payer.scopes, more = {} }: PayerRequest,
): string => {
  const { id, authorizationEndpoint, clientId, patientFrom, quirks } = payer;
  const url = new URL(authorizationEndpoint);
  const aud = audienceOf(payer);
  const send = {
    ...more,
    ...quirks.extraAuthorizeParameters,
    ...(quirks.responseType ? { response_type: 'code' } : {}),
    client_id: clientId,
    redirect_uri: callbackUri(origin, id),
    state,
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    ...(aud === undefined ? {} : { aud }),
    ...(patientFrom === 'id_token' ? { nonce: nonceOf(verifier) } : {}),
    ...(quirks.pkce ? { code_challenge: sha256(verifier), code_challenge_method: 'S256' } : {}),
  };
  for (const [name, value] of Object.entries(send)) url.searchParams.set(name, value);
  return url.href;
};
