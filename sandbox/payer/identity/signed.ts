import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose';
import { badRequest } from './refusal.ts';

/** A public key with its key ID, to which the `kid` in a token's header refers. */
export type NamedKey = JsonWebKey & { readonly kid?: string };

/**
 * The claims of a signed token whose key is one of these, by its `kid`. `typ` must be `JWT`, to the letter.
 * @throws Refusal, or the library's own error
 */
export const readSigned = async (
  token: string,
  keys: readonly NamedKey[],
  options: JWTVerifyOptions,
): Promise<JWTPayload> => {
  const { kid, typ } = decodeProtectedHeader(token);
  const key = keys.find((candidate) => candidate.kid !== undefined && candidate.kid === kid);
  if (key === undefined || typ !== 'JWT') throw badRequest();
  const { payload } = await jwtVerify(token, createPublicKey({ key, format: 'jwk' }), options);
  return payload;
};

/** Remembers which `jti` an issuer has used in the last 300 seconds. */
export const onceEach = (now: () => number): ((claims: JWTPayload) => void) => {
  const spent = new Map<string, number>();
  return ({ iss, jti }) => {
    for (const [name, untilMs] of spent) if (untilMs <= now()) spent.delete(name);
    const name = `${iss}-${jti}`;
    if (spent.has(name)) throw badRequest();
    spent.set(name, now() + 300_000);
  };
};
