import { generateKeyPairSync } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { publicJwk } from '../../config/checks/rules.ts';
import type { PublicJwk } from '../../functions/shared/registry/types.ts';

/** A key pair for `private_key_jwt`. */
export interface KeyPair {
  /** The value for the payer's secret in Secrets Manager. */
  readonly secret: string;
  /** For `publicKeys` of the payer's profile. */
  readonly publicKey: PublicJwk;
}

const generate = (rsa: boolean) =>
  rsa ? generateKeyPairSync('rsa', { modulusLength: 3072 }) : generateKeyPairSync('ec', { namedCurve: 'P-384' });

/** Makes a pair for ES384, or RS384: the algorithms of SMART App Launch. Its `kid` is its thumbprint (RFC 7638). */
export const makeKeyPair = async ({ rsa }: { rsa: boolean }): Promise<KeyPair> => {
  const { privateKey, publicKey } = generate(rsa);
  const half = publicKey.export({ format: 'jwk' });
  const names = { kid: await calculateJwkThumbprint(half), alg: rsa ? 'RS384' : 'ES384', use: 'sig' };
  const problem = publicJwk({ ...half, ...names });
  if (problem !== undefined) throw new Error(`The new key ${problem}`);
  return {
    secret: JSON.stringify({ private_key_jwk: { ...privateKey.export({ format: 'jwk' }), ...names } }),
    publicKey: { ...half, ...names } as PublicJwk,
  };
};
