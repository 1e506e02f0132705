import { errors, jwtVerify, type JWTPayload } from 'jose';
import { nowSeconds } from '../shared/clock.ts';
import type { Deps } from '../shared/deps.ts';
import { nonceOf } from '../shared/payer/authorize-url.ts';
import { PayerError } from '../shared/payer/errors.ts';
import type { ReadKeys } from '../shared/payer/key-reader.ts';
import type { ReadIdToken } from '../shared/payer/require-patient.ts';
import { isAmbiguousJwt } from '../shared/payer/token-answer.ts';
import { verifyByKeys } from '../shared/registry/key-set.ts';
import type { Payer } from '../shared/registry/types.ts';
import type { LoginAttempt } from '../shared/store/login-attempts.ts';

/** Signatures with a payer's public key only: neither `none` nor a shared secret. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'];

const longestToken = 65_536;

/** Seconds that the payer's clock may be off. */
const clockTolerance = 120;

/** What an `id_token` must say. */
export interface Expected {
  readonly nonce: string;
  /** Epoch seconds. */
  readonly now: number;
}

const refused = (why: string): PayerError => new PayerError('nonsense', `id_token: ${why}`);

/** A key that the set lacks, or one that was replaced under the same name, may have been published since. */
const mayBeNewKey = (error: unknown): boolean =>
  error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed;

const verifySignature = async (
  readKeys: ReadKeys,
  { jwksUri = '', issuer, clientId }: Payer,
  token: string,
  { now }: Expected,
): Promise<JWTPayload> => {
  // The library would skip the check.
  if (issuer === undefined) throw refused('the profile has no issuer');
  const verify = async (fresh: boolean): Promise<JWTPayload> => {
    const { keys } = await readKeys(jwksUri, { fresh });
    const { payload } = await verifyByKeys(keys.keys, (key) =>
      jwtVerify(token, key, {
        algorithms,
        issuer,
        audience: clientId,
        clockTolerance,
        currentDate: new Date(now * 1000),
        requiredClaims: ['exp', 'iat', 'sub'],
      }),
    );
    return payload;
  };
  return verify(false).catch((error: unknown) => {
    if (mayBeNewKey(error)) return verify(true);
    throw error;
  });
};

/** OpenID Connect Core §3.1.3.7: a token for several audiences must have been issued to us. */
const checkAuthorizedParty = ({ aud, azp }: JWTPayload, { clientId }: Payer): void => {
  const isShared = Array.isArray(aud) && aud.length > 1;
  if (azp === undefined ? isShared : azp !== clientId) throw refused('it was issued to another client');
};

/**
 * Verifies a payer's `id_token` (OpenID Connect Core §3.1.3.7): signature, `iss`, `aud`, `azp`, `exp` and `nonce`. No
 * claim may be used before.
 * @throws PayerError if anything about it is wrong, or its keys cannot be read
 */
export const verifyIdToken = async (
  readKeys: ReadKeys,
  payer: Payer,
  token: unknown,
  expected: Expected,
): Promise<JWTPayload> => {
  if (typeof token !== 'string') throw refused('the token answer has none');
  if (token.length > longestToken) throw refused(`it is over ${longestToken} characters`);
  let claims: JWTPayload;
  try {
    claims = await verifySignature(readKeys, payer, token, expected);
  } catch (error) {
    if (error instanceof PayerError) throw error;
    // The library's messages may quote the token.
    throw refused(error instanceof errors.JOSEError ? error.code : 'it cannot be verified');
  }
  if (isAmbiguousJwt(token)) throw refused('an object in it has the same member twice');
  checkAuthorizedParty(claims, payer);
  if (claims['nonce'] !== expected.nonce) throw refused('it belongs to another sign-in');
  return claims;
};

/** Verifies the `id_token` of this login attempt. */
export const idTokenReader =
  (
    { clock }: Pick<Deps, 'clock'>,
    readKeys: ReadKeys,
    payer: Payer,
    { verifier }: Pick<LoginAttempt, 'verifier'>,
  ): ReadIdToken =>
  (idToken) =>
    verifyIdToken(readKeys, payer, idToken, { nonce: nonceOf(verifier), now: nowSeconds(clock) });
