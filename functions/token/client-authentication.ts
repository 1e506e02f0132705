import {
  decodeJwt,
  decodeProtectedHeader,
  errors as jose,
  jwtVerify,
  type JWTPayload,
  type ProtectedHeaderParameters,
} from 'jose';
import { nowSeconds } from '../shared/clock.ts';
import type { Deps } from '../shared/deps.ts';
import { causeOf, GatewayError } from '../shared/errors.ts';
import { header, type ApiEvent, type RequestParameters } from '../shared/http/api.ts';
import type { RequestRecord } from '../shared/record/request-record.ts';
import { keySetOf } from '../shared/registry/key-set.ts';
import { checkNotBlocked } from '../shared/registry/require-payer.ts';
import { assertionAlgorithms } from '../shared/registry/token-endpoint.ts';
import type { Partner } from '../shared/registry/types.ts';
import { facadeBase, tokenUrl } from '../shared/registry/urls.ts';
import { sameHash, sha256 } from '../shared/store/crypto.ts';
import type { Table } from '../shared/store/dynamo.ts';
import { rememberAssertion } from '../shared/store/grants.ts';
import { extensionChecks } from './identity/fields.ts';

/** What authenticating a partner needs. */
export interface ClientAuthenticationDeps extends Pick<Deps, 'clock' | 'registry' | 'origin'> {
  readonly grants: Table;
}

declare const authenticated: unique symbol;

/** A partner that has authenticated, or a public client that has named itself. */
export type AuthenticatedPartner = Partner & { readonly [authenticated]: true };

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** SMART allows five minutes; the rest is for a partner's clock that is off by 120 s. */
const longestAssertionSeconds = 300;
const clockToleranceSeconds = 120;

const invalidClient = (publicMessage: string, detail?: string): GatewayError =>
  new GatewayError('invalid_client', publicMessage, { detail });

/**
 * The caller learns what the request has and what may be sent, not which clients exist. The log says what was wrong.
 * @param received what the request has, whichever client it names
 */
const wrongClient = (received: string, detail: string): GatewayError =>
  invalidClient(
    `Unknown client, or client authentication failed. The request has ${received}. Compare with your registration: ` +
      'a client with a secret sends it, by Basic or in the form; one with a key a client_assertion; a public client client_id alone.',
    detail,
  );

/** The text form-decoded, or unchanged if it is not valid encoding. */
const formDecode = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
};

/** A client assertion as it was read. Not verified: the signature is checked when the client is known. */
interface Proof {
  readonly jwt: string;
  readonly header: ProtectedHeaderParameters;
  readonly claims: JWTPayload;
}

interface WithSecret {
  readonly method: 'client_secret_basic' | 'client_secret_post';
  readonly clientId: string;
  /** The secret as sent, and form-decoded (RFC 6749 §2.3.1): clients do both. */
  readonly secrets: readonly string[];
}

type Presented =
  | WithSecret
  | { readonly method: 'private_key_jwt'; readonly clientId: string; readonly proof: Proof }
  | { readonly method: 'none'; readonly clientId: string };

const readBasic = (event: ApiEvent): { id: string; ids: string[]; secrets: string[] } | undefined => {
  const authorization = header(event, 'authorization');
  if (authorization === undefined) return undefined;
  const encoded = /^basic +([A-Za-z0-9+/=_-]+)$/i.exec(authorization)?.[1];
  if (encoded === undefined) {
    throw wrongClient('an Authorization header that is not Basic', 'the Authorization header is not Basic');
  }
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon < 1) throw wrongClient('Basic without a client id', 'Basic holds no client id and secret');
  const [rawId, rawSecret] = [pair.slice(0, colon), pair.slice(colon + 1)];
  const id = formDecode(rawId);
  // RFC 6749 §2.3.1: an empty secret may be left out, as an empty client_secret in the form is.
  if (rawSecret === '') return { id, ids: [rawId, id], secrets: [] };
  return { id, ids: [rawId, id], secrets: [rawSecret, formDecode(rawSecret)] };
};

const badAssertion = (sentence: string): GatewayError => invalidClient(`The client assertion: ${sentence}`);

const readAssertion = (jwt: string): Proof => {
  try {
    return { jwt, header: decodeProtectedHeader(jwt), claims: decodeJwt(jwt) };
  } catch {
    throw badAssertion('it is not a JWT.');
  }
};

/** What an assertion says, whether or not it is valid; undefined if it cannot be read. */
export const unverifiedClaims = (jwt = ''): Assertion['claims'] | undefined => {
  try {
    return decodeJwt(jwt);
  } catch {
    return undefined;
  }
};

const subjectOf = ({ claims }: Proof): string => {
  const sub: unknown = claims.sub;
  if (typeof sub === 'string' && sub !== '') return sub;
  throw badAssertion('sub is missing or not text; iss and sub must be your client_id.');
};

/** Checks what the assertion alone shows, so that the answer is the same whether there is such a client or not. */
const checkForm = ({ header: said, claims: { iss, sub } }: Proof): void => {
  for (const [name, check] of Object.entries(extensionChecks)) {
    const wrong = check(said[name]);
    if (wrong !== undefined) throw badAssertion(`${name} ${wrong}.`);
  }
  const { alg } = said;
  if (!assertionAlgorithms.some((known) => known === alg)) {
    throw badAssertion(`alg must be ${assertionAlgorithms.join(' or ')}.`);
  }
  if (iss !== sub) {
    throw badAssertion(`iss ${iss === undefined ? 'is missing' : 'differs from sub'}; both must be your client_id.`);
  }
};

/** The request's way of authenticating. Two at once are refused; the same `client_id` next to Basic is allowed. */
const readClaim = (event: ApiEvent, { values }: RequestParameters): Presented | undefined => {
  const basic = readBasic(event);
  const secret = values.get('client_secret');
  const assertion = values.get('client_assertion');
  const named = values.get('client_id');
  if ([basic, secret, assertion].filter((way) => way !== undefined).length > 1) {
    throw new GatewayError('invalid_request', 'Use one way of client authentication, not two.');
  }
  const checkNamed = (ids: readonly string[]): void => {
    if (named !== undefined && !ids.includes(named)) {
      throw new GatewayError('invalid_request', 'client_id differs from the client that authenticates.');
    }
  };
  if (basic) {
    checkNamed(basic.ids);
    if (basic.secrets.length === 0) return { method: 'none', clientId: named ?? basic.id };
    return { method: 'client_secret_basic', clientId: named ?? basic.id, secrets: basic.secrets };
  }
  if (assertion !== undefined || values.has('client_assertion_type')) {
    if (assertion === undefined || values.get('client_assertion_type') !== assertionType) {
      throw new GatewayError('invalid_request', `client_assertion needs client_assertion_type=${assertionType}.`);
    }
    const proof = readAssertion(assertion);
    const subject = subjectOf(proof);
    checkNamed([subject]);
    return { method: 'private_key_jwt', clientId: subject, proof };
  }
  if (named === undefined) return undefined;
  return secret === undefined
    ? { method: 'none', clientId: named }
    : { method: 'client_secret_post', clientId: named, secrets: [secret] };
};

const receivedBy = {
  client_secret_basic: 'a secret by Basic',
  client_secret_post: 'a secret in the form',
  none: 'client_id and no secret',
} as const;

const checkSecret = (partner: Partner, { method, secrets }: WithSecret): void => {
  const hashes = secrets.map((secret) => sha256(secret));
  if (!partner.secretHashes.some((known) => hashes.some((hash) => sameHash(known, hash)))) {
    throw wrongClient(receivedBy[method], 'wrong client secret');
  }
};

/**
 * Checks the audiences of an assertion: the token endpoint (SMART), or the issuer of any payer's facade (RFC 8414), alone or in a list
 * (RFC 7519 §4.1.3). Another server that the list names gets the assertion too, and could present it here before the client does
 * (https://datatracker.ietf.org/doc/draft-ietf-oauth-rfc7523bis/).
 */
const checkAudience = (audience: JWTPayload['aud'], origin: string): void => {
  // The signature was verified, but not the types: an entry may be any JSON value.
  const all: readonly unknown[] = [audience].flat();
  const ours = all.filter(
    (aud) => aud === tokenUrl(origin) || (typeof aud === 'string' && aud.startsWith(facadeBase(origin, ''))),
  );
  if (ours.length === 0) throw badAssertion(`aud must be ${tokenUrl(origin)}.`);
  if (ours.length < all.length)
    throw badAssertion('aud names another server too, which could present it here; make one for each.');
};

/** An assertion that has been verified. */
export interface Assertion {
  readonly jwt: string;
  readonly claims: JWTPayload;
}

/** A client that has named itself, and the assertion by which it has proved that. */
export interface AuthenticatedClient {
  readonly partner: AuthenticatedPartner;
  readonly assertion?: Assertion;
}

/** A valid assertion that is not spent yet. */
interface ValidAssertion extends Assertion {
  readonly jtiHash: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
}

const reasons: Readonly<Record<string, string>> = {
  missing: 'is missing',
  invalid: 'must be a number of seconds',
  // `iss` and `sub` are checked before, and `exp` has an error of its own.
  check_failed: 'has not come yet',
};

/** Says what is wrong with a claim: the signature is verified by then, so this is the client itself. */
const wrongClaim = ({ claim, reason }: jose.JWTClaimValidationFailed): GatewayError =>
  badAssertion(`${claim} ${reasons[reason] ?? 'is wrong'}.`);

/** The same for a client that there is not, one registered for another way, and one whose key does not fit. */
const refuseProof = (claim: Presented, detail: string): GatewayError => {
  if (claim.method !== 'private_key_jwt') return wrongClient(receivedBy[claim.method], detail);
  const { kid } = claim.proof.header;
  return invalidClient(
    'Unknown client, or client authentication failed. Check that sub is your client_id, that you are registered for ' +
      `private_key_jwt, and that your key of this kid made the signature.${kid === undefined ? ' The header has no kid.' : ''}`,
    detail,
  );
};

const longestJti = 1000;

const verifyAssertion = async (
  deps: ClientAuthenticationDeps,
  partner: Partner,
  claim: Extract<Presented, { method: 'private_key_jwt' }>,
): Promise<ValidAssertion> => {
  const { jwt } = claim.proof;
  const now = nowSeconds(deps.clock);
  const { payload } = await jwtVerify(jwt, keySetOf(partner.jwks), {
    algorithms: [...assertionAlgorithms],
    issuer: partner.clientId,
    subject: partner.clientId,
    requiredClaims: ['exp', 'jti', 'aud'],
    clockTolerance: clockToleranceSeconds,
    currentDate: new Date(deps.clock.now()),
  }).catch((error: unknown) => {
    if (error instanceof jose.JWTExpired) throw badAssertion('exp has passed.');
    if (error instanceof jose.JWTClaimValidationFailed) throw wrongClaim(error);
    throw refuseProof(claim, `client assertion: ${causeOf(error)}`);
  });
  const { exp = 0, aud } = payload;
  const jti: unknown = payload.jti;
  // Also not validated; an object could control how it is converted to text.
  if (typeof jti !== 'string' || jti.trim() === '' || jti.length > longestJti) {
    throw badAssertion(`jti must be text of up to ${longestJti} characters.`);
  }
  checkAudience(aud, deps.origin);
  if (exp - now > longestAssertionSeconds + clockToleranceSeconds) {
    throw badAssertion('exp is more than five minutes ahead.');
  }
  return {
    jwt,
    claims: payload,
    jtiHash: sha256(`${partner.clientId} ${jti}`),
    expiresAt: exp + clockToleranceSeconds + 1,
  };
};

const spendAssertion = async (
  { grants, clock }: ClientAuthenticationDeps,
  { jtiHash, expiresAt }: ValidAssertion,
  requestId: string,
): Promise<void> => {
  if (!(await rememberAssertion(grants, { jtiHash, expiresAt, now: nowSeconds(clock), requestId }))) {
    throw badAssertion('jti was used before; each assertion needs its own.');
  }
};

/**
 * Authenticates the partner of a token, revoke or introspect request. Undefined if the request names no client at all:
 * a public client may refresh that way, since its refresh token finds the grant.
 * @param record gets the registered client that the request claims to be, even if it cannot prove it
 * @throws GatewayError `invalid_client` (401), `invalid_request` if two ways are used at once, or
 * `unauthorized_client` if the client is blocked: only a client that proves who it is learns that, and of a public one, which proves
 * nothing, whoever names it
 */
export const authenticateClient = async (
  deps: ClientAuthenticationDeps,
  event: ApiEvent,
  form: RequestParameters,
  record: Pick<RequestRecord, 'requestId' | 'partner'>,
): Promise<AuthenticatedClient | undefined> => {
  const claim = readClaim(event, form);
  if (claim === undefined) return undefined;
  const partner = await deps.registry.partner(claim.clientId, { evenIfBlocked: true });
  if (partner !== undefined) record.partner = partner.clientId;
  if (claim.method === 'private_key_jwt') checkForm(claim.proof);
  if (partner === undefined) throw refuseProof(claim, 'no such client');
  if (!partner.clientAuthentication.includes(claim.method)) {
    throw refuseProof(claim, `the client is not registered for ${claim.method}`);
  }
  if ('secrets' in claim) checkSecret(partner, claim);
  const valid = claim.method === 'private_key_jwt' ? await verifyAssertion(deps, partner, claim) : undefined;
  await checkNotBlocked(deps.registry, partner.clientId);
  if (valid !== undefined) await spendAssertion(deps, valid, record.requestId);
  return { partner: partner as AuthenticatedPartner, ...(valid === undefined ? {} : { assertion: valid }) };
};

/** Requires a client that has named itself. @throws GatewayError `invalid_client` */
export const requireClient = (partner: AuthenticatedPartner | undefined): AuthenticatedPartner => {
  if (partner === undefined) throw invalidClient('Say which client this is: client authentication is missing.');
  return partner;
};

/** Requires a client that has authenticated by an assertion. @throws GatewayError `invalid_client` */
export const requireAssertion = ({
  partner,
  assertion,
}: {
  readonly partner?: AuthenticatedPartner | undefined;
  readonly assertion?: Assertion | undefined;
}): [AuthenticatedPartner, Assertion] => {
  const client = requireClient(partner);
  if (assertion === undefined) {
    throw new GatewayError('invalid_client', 'client_credentials needs private_key_jwt: send a client_assertion.');
  }
  return [client, assertion];
};

/** Requires a client that has authenticated. @throws GatewayError `invalid_client` */
export const requireConfidentialClient = (partner: AuthenticatedPartner | undefined): AuthenticatedPartner => {
  const named = requireClient(partner);
  if (named.clientAuthentication.includes('none')) {
    throw invalidClient('This endpoint needs client authentication, and a public client has none.');
  }
  return named;
};

/**
 * Allows a public client to act with the bearer alone.
 * @throws GatewayError `invalid_client` if the partner is not a public client
 */
export const requirePublicClient = (partner: Partner | undefined): AuthenticatedPartner => {
  if (partner === undefined || !partner.clientAuthentication.includes('none')) {
    throw invalidClient('Client authentication is missing.');
  }
  return partner as AuthenticatedPartner;
};
