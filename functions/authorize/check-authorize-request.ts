import { GatewayError } from '../shared/errors.ts';
import { isCovered } from '../shared/fhir/scopes.ts';
import { type Parameters, checkNotRepeated } from '../shared/http/api.ts';
import { type CheckedClient, longestState } from './check-client.ts';

/** What a partner asks for, checked. */
export interface CheckedRequest {
  readonly scope: string;
  readonly refreshable: boolean;
  readonly codeChallenge: string | undefined;
}

const invalid = (publicMessage: string): GatewayError => new GatewayError('invalid_request', publicMessage);

/** RFC 6749 §3.1.1; the reference page's partners send none. */
const checkResponseType = ({ values }: Parameters): void => {
  if ((values.get('response_type') ?? 'code') !== 'code') {
    throw new GatewayError('unsupported_response_type', 'response_type must be code.');
  }
  if ((values.get('response_mode') ?? 'query') !== 'query') throw invalid('response_mode must be query.');
  if (values.has('request') || values.has('request_uri')) throw invalid('Request objects are not supported.');
};

/** RFC 7636 §4.4.1: S256 only, required unless the partner's registration says otherwise. */
const checkPkce = ({ values }: Parameters, pkceOptional: boolean): string | undefined => {
  const challenge = values.get('code_challenge');
  if (challenge === undefined) {
    if (!pkceOptional || values.has('code_challenge_method')) throw invalid('code_challenge is missing (PKCE, S256).');
    return undefined;
  }
  if (values.get('code_challenge_method') !== 'S256') throw invalid('code_challenge_method must be S256.');
  if (!/^[A-Za-z0-9_-]{43}$/.test(challenge)) throw invalid('code_challenge must be a SHA-256 hash in base64url.');
  return challenge;
};

/** RFC 6749 §3.3: only what the partner is registered for; everything it is registered for where it asks nothing. */
const checkScope = ({ values }: Parameters, registered: readonly string[]): { scope: string; refreshable: boolean } => {
  const asked = [...new Set((values.get('scope') ?? '').split(' ').filter((scope) => scope !== ''))];
  if (asked.length === 0) return { scope: registered.join(' '), refreshable: true };
  const refused = asked.find((scope) => !isCovered(scope, registered));
  if (refused !== undefined) {
    const named = /^[\w/*.:-]{1,64}$/.test(refused) ? `The scope ${refused}` : 'A scope';
    throw new GatewayError('invalid_scope', `${named} is not one that this app is registered for.`);
  }
  if (!asked.some((scope) => scope.startsWith('patient/'))) {
    throw new GatewayError('invalid_scope', 'Ask for something to read, such as patient/*.rs.');
  }
  return { scope: asked.join(' '), refreshable: asked.includes('offline_access') };
};

/** SMART App Launch: `aud` is this payer's FHIR base, with or without a last slash. */
const checkAudience = ({ values }: Parameters, base: string): void => {
  const aud = values.get('aud') ?? values.get('resource');
  if (aud !== undefined && aud !== base && aud !== `${base}/`) throw invalid(`aud must be ${base}.`);
};

/**
 * Checks everything that is told to the partner by redirect.
 * @throws GatewayError of RFC 6749 §4.1.2.1
 */
export const checkAuthorizeRequest = (
  { partner, payer, returnTo }: CheckedClient,
  request: Parameters,
): CheckedRequest => {
  checkNotRepeated(request);
  if (!partner.payers.includes(payer.id)) {
    throw new GatewayError('unauthorized_client', 'This app may not read from this health plan.');
  }
  if ((request.values.get('state')?.length ?? 0) > longestState) throw invalid('state is too long.');
  checkResponseType(request);
  checkAudience(request, returnTo.iss);
  return { ...checkScope(request, partner.scopes), codeChallenge: checkPkce(request, partner.pkceOptional) };
};
