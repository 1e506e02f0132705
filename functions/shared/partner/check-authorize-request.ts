import { GatewayError } from '../errors.ts';
import { checkNotRepeated, type RequestParameters } from '../http/api.ts';
import { mayReadFrom } from '../registry/profile.ts';
import { namedBase } from '../registry/urls.ts';
import { limitScopes, readsSomething } from '../scopes/limit-scopes.ts';
import { scopeAtPayer } from '../scopes/scope-at-payer.ts';
import { hasWord, parseScopes, writeScopes, type Scopes } from '../scopes/scopes.ts';
import { longestState, type CheckedClient } from './check-client.ts';
import { nameScopes, nearestTypeIn } from './name-scopes.ts';

/** What a partner asks for, checked. */
export interface CheckedRequest {
  readonly scope: Scopes;
  readonly refreshable: boolean;
  readonly codeChallenge: string | undefined;
}

const invalid = (publicMessage: string): GatewayError => new GatewayError('invalid_request', publicMessage);

/** RFC 6749 §3.1.1. It may be omitted, as in the reference page's calls. */
const checkResponseType = ({ values }: RequestParameters): void => {
  if ((values.get('response_type') ?? 'code') !== 'code') {
    throw new GatewayError('unsupported_response_type', 'response_type must be code.');
  }
  if ((values.get('response_mode') ?? 'query') !== 'query') throw invalid('response_mode must be query.');
  if (values.has('request') || values.has('request_uri')) throw invalid('Request objects are not supported.');
};

/** RFC 7636 §4.4.1: S256 only, required unless the partner's registration says otherwise. */
const checkPkce = ({ values }: RequestParameters, pkceOptional: boolean): string | undefined => {
  const challenge = values.get('code_challenge');
  if (challenge === undefined) {
    if (!pkceOptional || values.has('code_challenge_method')) throw invalid('code_challenge is missing (PKCE, S256).');
    return undefined;
  }
  if (values.get('code_challenge_method') !== 'S256') throw invalid('code_challenge_method must be S256.');
  if (!/^[A-Za-z0-9_-]{43}$/.test(challenge)) throw invalid('code_challenge must be a SHA-256 hash in base64url.');
  return challenge;
};

/** Characters of distinct scopes: more than all scopes that can be granted. */
const longestScope = 16_384;

/** The message may quote the partner, so the log gets a text of its own. */
const invalidScope = (publicMessage: string, detail: string): GatewayError =>
  new GatewayError('invalid_scope', publicMessage, { detail });

/**
 * RFC 6749 §3.3: the part of the requested scope that the partner is registered for and the payer is asked for, or all
 * of that if no scope was requested. The rest is dropped, and the token answer's `scope` says so.
 */
export const checkScope = (
  { values }: RequestParameters,
  { partner, payer }: Pick<CheckedClient, 'partner' | 'payer'>,
): Pick<CheckedRequest, 'scope' | 'refreshable'> => {
  const asked = parseScopes(values.get('scope') ?? '');
  if (writeScopes(asked).length > longestScope) {
    throw invalidScope(
      `scope is too long: at most ${longestScope} characters of different scopes.`,
      'scope is too long',
    );
  }
  const allowed = parseScopes(partner.scopes);
  const wanted = asked.length === 0 ? allowed : asked;
  const registered = limitScopes(wanted, allowed);
  if (!readsSomething(registered)) {
    const advice = 'Ask for something to read that this app is registered for, such as patient/*.rs.';
    throw invalidScope(
      `The scope ${nameScopes(wanted)} gives this app nothing to read.${nearestTypeIn(wanted)} ${advice}`,
      'nothing to read that is registered',
    );
  }
  const scope = scopeAtPayer(payer, registered);
  if (!readsSomething(scope)) {
    throw invalidScope(
      `The scope ${nameScopes(registered)} gives nothing to read at this health plan.`,
      'nothing to read that the payer is asked for',
    );
  }
  return { scope, refreshable: hasWord(scope, 'offline_access') };
};

/** SMART App Launch: `aud` (RFC 8707: `resource`) is this payer's FHIR base, with or without a trailing slash. */
const checkAudience = ({ values }: RequestParameters, base: string): void => {
  for (const name of ['aud', 'resource']) {
    const named = values.get(name);
    if (named !== undefined && namedBase(named) !== base) throw invalid(`${name} must be ${base}.`);
  }
};

/**
 * Checks everything whose failure is reported to the partner by redirect.
 * @throws GatewayError of RFC 6749 §4.1.2.1
 */
export const checkAuthorizeRequest = (client: CheckedClient, request: RequestParameters): CheckedRequest => {
  const { partner, payer, returnTo } = client;
  checkNotRepeated(request);
  if (!mayReadFrom(partner, payer.id)) {
    throw new GatewayError('unauthorized_client', 'This app may not read from this health plan.');
  }
  if ((request.values.get('state')?.length ?? 0) > longestState) throw invalid('state is too long.');
  // RFC 6749 Appendix A.5 has none, and browsers change them in a form.
  if (/\p{Cc}/u.test(request.values.get('state') ?? '')) throw invalid('state has control characters.');
  checkResponseType(request);
  checkAudience(request, returnTo.iss);
  return { ...checkScope(request, client), codeChallenge: checkPkce(request, partner.pkceOptional) };
};
