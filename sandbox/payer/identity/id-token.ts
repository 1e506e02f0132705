import { decodeJwt, type JWTPayload } from 'jose';
import { badRequest } from './refusal.ts';
import { readSigned, type NamedKey } from './signed.ts';

/** What an id token says about a person. */
export interface Identity {
  readonly family_name: string;
  readonly given_name: string;
  /** `YYYY-MM-DD` */
  readonly birthdate: string;
  readonly address?: PostalAddress;
  readonly historical_address?: readonly PostalAddress[];
  readonly ssn_itin_short?: string;
  readonly mbi?: string;
}

interface PostalAddress {
  readonly street_address?: string;
}

export interface IdTokenRules {
  /** Where each identity provider that the payer trusts publishes its keys, by issuer. */
  readonly issuers: Readonly<Record<string, string>>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** @throws Refusal if this `jti` has already been used */
  readonly spend: (claims: JWTPayload) => void;
}

const required = [
  'iss',
  'sub',
  'aud',
  'jti',
  'exp',
  'iat',
  'identity_assurance_level',
  'auth_time',
  'family_name',
  'given_name',
  'birthdate',
];

/** How long ago the token may have been issued and the person have signed in, in seconds. */
const longestAgo = 300;

/** Checks an id token as Blue Button does: it does not look at `aud`. @throws Refusal, or the library's own error */
export const readIdToken = async (idToken: string, { issuers, now, spend }: IdTokenRules): Promise<Identity> => {
  const jwksUri = new Map(Object.entries(issuers)).get(String(decodeJwt(idToken).iss));
  if (jwksUri === undefined) throw badRequest();
  const claims = await readSigned(idToken, await keysAt(jwksUri), {
    algorithms: ['RS256'],
    requiredClaims: required,
    currentDate: new Date(now()),
  });
  checkRecent(claims.iat, now());
  checkRecent(claims['auth_time'], now());
  spend(claims);
  const { identity_assurance_level: level, family_name: family, given_name: given, birthdate } = claims;
  if (typeof level !== 'number' || level < 2) throw badRequest();
  if (!isLatin(family) || !isLatin(given)) throw badRequest();
  if (typeof birthdate !== 'string' || !/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/.test(birthdate)) {
    throw badRequest();
  }
  return claims as JWTPayload & Identity;
};

/** The keys are read for each request, so every request fails while the identity provider is down. */
const keysAt = async (jwksUri: string): Promise<readonly NamedKey[]> => {
  const answer = await fetch(jwksUri, { signal: AbortSignal.timeout(5000) });
  return ((await answer.json()) as { readonly keys: readonly NamedKey[] }).keys;
};

/** A time must not be ahead of this payer's clock, not even by one second. */
const checkRecent = (time: unknown, nowMs: number): void => {
  const at = typeof time === 'string' && time.trim() !== '' ? Number(time) : time;
  if (typeof at !== 'number' || !Number.isFinite(at)) throw badRequest();
  if (at > nowMs / 1000 || nowMs / 1000 - at > longestAgo) throw badRequest();
};

/** Letters up to U+017F. */
const isLatin = (name: unknown): boolean =>
  typeof name === 'string' && name !== '' && Array.from(name).every((letter) => letter <= '\u017f');
