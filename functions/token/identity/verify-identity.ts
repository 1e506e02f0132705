import { compactVerify, errors } from 'jose';
import { causeOf, GatewayError, unavailable } from '../../shared/errors.ts';
import { isDay } from '../../shared/instant.ts';
import type { JsonObject } from '../../shared/json/json-object.ts';
import { PayerError } from '../../shared/payer/errors.ts';
import type { KeysRead, ReadKeys } from '../../shared/payer/key-reader.ts';
import { verifyByKeys } from '../../shared/registry/key-set.ts';
import type { IdentityProvider, IdentitySignIn, Partner } from '../../shared/registry/types.ts';
import {
  extensionChecks,
  flag,
  listOf,
  matching,
  objectOf,
  optional,
  requireFields,
  takeApart,
  text,
  time,
  type FieldCheck,
} from './fields.ts';

/** What is kept of a verified identity token. None of it identifies the member. */
export interface VerifiedIdentity {
  readonly issuer: string;
  readonly level: number;
  readonly jti: string;
  /** When the token ends, epoch seconds. */
  readonly expiresAt: number;
  /** The latest of `iat`, `nbf` and `auth_time`, epoch seconds. */
  readonly latestTime: number;
}

const audience: FieldCheck = (value) => (Array.isArray(value) ? listOf(text(1000), 20)(value) : text(1000)(value));

const level: FieldCheck = (value) => {
  if (value === undefined) return 'is missing';
  return Number.isInteger(value) && Math.abs(value as number) < 10 ? undefined : 'must be a number, such as 2';
};

/** What matching takes: Basic Latin to Latin Extended-A. */
const latinName: FieldCheck = (value) =>
  text(255)(value) ??
  (/^[\u0020-\u017f]+$/u.test(value as string) ? undefined : 'has letters other than Latin ones (up to U+017F)');

/** A calendar date. */
const day: FieldCheck = (value) =>
  text(10)(value) ?? (isDay(value as string) ? undefined : 'must be a date as YYYY-MM-DD');

const line = optional(text(500));
const address = objectOf({ street_address: line, locality: line, region: line, postal_code: line, country: line });

const headerChecks = {
  ...extensionChecks,
  typ: matching(/^JWT$/, '"JWT"', 20),
  alg: text(20),
  kid: text(255),
} as const;

const claimChecks = {
  iss: text(1000),
  sub: text(255),
  aud: audience,
  azp: optional(text(1000)),
  jti: text(255),
  exp: time,
  iat: time,
  nbf: optional(time),
  auth_time: time,
  identity_assurance_level: level,
  family_name: latinName,
  given_name: latinName,
  birthdate: day,
  gender: line,
  address: optional(address),
  historical_address: optional(listOf(address, 50)),
  ssn_itin_short: optional(matching(/^\d{4}$/, 'the last four digits', 4)),
  phone_number: line,
  phone_number_verified: optional(flag),
  email: line,
  mbi: line,
} as const;

const known = [
  ...Object.keys(headerChecks),
  ...Object.keys(claimChecks),
  'street_address',
  'locality',
  'region',
  'postal_code',
  'country',
];

const refused = (sentence: string): GatewayError => new GatewayError('invalid_grant', `The id_token: ${sentence}.`);

/** The provider may have added a key, or replaced one under the same `kid`, since its keys were last read. */
const mayBeNewKey = (error: unknown): boolean =>
  error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed;

/** @throws GatewayError `temporarily_unavailable`, with the cause for the log */
const readKeysOf = async (readKeys: ReadKeys, jwksUri: string, fresh: boolean): Promise<KeysRead> => {
  try {
    return await readKeys(jwksUri, { fresh });
  } catch (error) {
    throw unavailable(`keys of the identity provider: ${error instanceof PayerError ? error.detail : causeOf(error)}`);
  }
};

/**
 * The key may or may not be one of the issuer's. If its keys were read too recently to be read again, that is not a server error: any app
 * can send tokens signed with made-up keys.
 */
const keyUnknown = ({ failure, againInMs }: KeysRead): GatewayError => {
  const retryAfterSeconds = Math.max(1, Math.ceil(againInMs / 1000));
  if (failure !== undefined) return unavailable(`keys of the identity provider: ${failure}`, retryAfterSeconds);
  return new GatewayError(
    'too_many_requests',
    'The id_token: it is not signed with any key that its issuer had published a moment ago. If the issuer has just changed its keys, send the same token later, with a new client assertion.',
    { retryAfterSeconds, detail: "keys of the identity provider: read just before, without the token's key" },
  );
};

const verifySignature = async (
  readKeys: ReadKeys,
  { jwksUri, algorithms }: IdentityProvider,
  token: string,
): Promise<void> => {
  const verify = async (fresh: boolean): Promise<void> => {
    const read = await readKeysOf(readKeys, jwksUri, fresh);
    try {
      await verifyByKeys(read.keys.keys, (key) => compactVerify(token, key, { algorithms: [...algorithms] }));
    } catch (error) {
      if (mayBeNewKey(error) && !read.isNew) {
        if (fresh) throw keyUnknown(read);
        return verify(true);
      }
      if (!(error instanceof errors.JOSEError)) throw unavailable(`keys of the identity provider: ${causeOf(error)}`);
      // The library's messages may quote the token.
      throw new GatewayError('invalid_grant', 'The id_token: its signature is not by a key of its issuer.', {
        detail: `id_token: ${causeOf(error)}`,
      });
    }
  };
  await verify(false);
};

/** What decides whether a token is fresh. */
interface Freshness {
  /** Epoch seconds. */
  readonly now: number;
  readonly longestAuthAge: number;
}

const longestIssuedAge = 300;
/** How far ahead of ours the provider's clock may be, in seconds. */
export const mostAhead = 30;

const checkTimes = (
  {
    exp,
    iat,
    nbf = iat,
    auth_time: authTime,
  }: Readonly<Record<'exp' | 'iat' | 'auth_time', number>> & { nbf?: number },
  { now, longestAuthAge }: Freshness,
): void => {
  const again = 'identify the member again';
  if (exp <= now) throw refused(`exp has passed; ${again}`);
  for (const [name, at] of Object.entries({ iat, nbf, auth_time: authTime })) {
    if (at > now + mostAhead) throw refused(`${name} is more than ${mostAhead} seconds ahead; check the clock`);
  }
  if (now - iat > longestIssuedAge) throw refused(`iat is more than ${longestIssuedAge} seconds ago; ${again}`);
  if (now - authTime > longestAuthAge) throw refused(`auth_time is more than ${longestAuthAge} seconds ago; ${again}`);
};

const fewestLevel = 2;

/** OpenID Connect Core §3.1.3.7: otherwise one app could use a token that a member gave to another. */
const checkAudience = (
  { aud, azp }: { readonly aud: string | readonly string[]; readonly azp?: string },
  audiences: readonly string[],
): void => {
  const named = [aud].flat();
  if (!named.some((one) => audiences.includes(one)) || (azp !== undefined && !audiences.includes(azp))) {
    throw refused(`${azp === undefined ? 'aud' : 'aud or azp'} does not name this app; it was issued to another`);
  }
  if (azp === undefined && !named.every((one) => audiences.includes(one))) {
    throw refused('aud names several apps, so azp must be there and name this one');
  }
};

/**
 * Verifies a member's identity token for this partner and payer: form, issuer, signature, audience, times, level. It returns
 * nothing that says who the member is.
 * @throws GatewayError `invalid_request` if a field is malformed, `invalid_grant` if the token is not acceptable,
 * `temporarily_unavailable` if its provider's keys cannot be read, or `too_many_requests` if they were read too recently to be read
 * again. No error quotes the token
 */
export const verifyIdentity = async (
  { providers, readKeys, now }: { providers: readonly IdentityProvider[]; readKeys: ReadKeys; now: number },
  partner: Partner,
  accepted: IdentitySignIn,
  token: string,
): Promise<VerifiedIdentity> => {
  const what = 'The id_token';
  const { header, claims } = takeApart(what, token, known);
  requireFields(what, header, headerChecks);
  requireFields(what, claims, claimChecks);
  const { iss } = claims as { iss: string };
  const provider = providers.find(({ issuer }) => issuer === iss && accepted.issuers.includes(issuer));
  if (provider === undefined) throw refused('iss is not an identity provider that this health plan accepts here');
  const audiences = partner.identityAudiences?.find(({ issuer }) => issuer === iss)?.audiences ?? [];
  checkAudience(claims as unknown as Parameters<typeof checkAudience>[0], audiences);
  const freshness = { now, longestAuthAge: accepted.longestAuthAge ?? 300 };
  checkTimes(claims as unknown as Parameters<typeof checkTimes>[0], freshness);
  if (!provider.algorithms.some((algorithm) => algorithm === header['alg'])) {
    throw refused(`alg must be ${provider.algorithms.join(' or ')}`);
  }
  await verifySignature(readKeys, provider, token);
  return factsOf(claims);
};

const factsOf = (claims: JsonObject): VerifiedIdentity => {
  const {
    iss,
    jti,
    exp,
    iat,
    nbf = iat,
    auth_time: authTime,
    identity_assurance_level: given,
  } = claims as {
    readonly [name: string]: unknown;
    readonly iss: string;
    readonly jti: string;
    readonly exp: number;
    readonly iat: number;
    readonly nbf?: number;
    readonly auth_time: number;
    readonly identity_assurance_level: number;
  };
  if (given < fewestLevel) {
    throw refused(`identity_assurance_level is below ${fewestLevel}; the member has to prove who they are first`);
  }
  return { issuer: iss, level: given, jti, expiresAt: Math.floor(exp), latestTime: Math.max(iat, nbf, authTime) };
};
