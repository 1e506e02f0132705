import { generateKeyPairSync } from 'node:crypto';

type Jwk = Readonly<Record<string, unknown>> & { readonly kty: string; readonly kid: string };

/** A key pair, each key as a JWK. */
interface Pair {
  readonly privateJwk: Jwk;
  readonly publicJwk: Jwk;
}

const made = () => {
  const pairOf = (kid: string, { privateKey, publicKey }: ReturnType<typeof generateKeyPairSync>): Pair => ({
    privateJwk: { ...(privateKey.export({ format: 'jwk' }) as { kty: string }), kid },
    publicJwk: { ...(publicKey.export({ format: 'jwk' }) as { kty: string }), kid },
  });
  return {
    partner: pairOf('partner-1', generateKeyPairSync('ec', { namedCurve: 'P-384' })),
    gateway: pairOf('gateway-1', generateKeyPairSync('ec', { namedCurve: 'P-384' })),
    identityProvider: pairOf('csp-1', generateKeyPairSync('rsa', { modulusLength: 2048 })),
  };
};

/** The keys for calls with a member's identity. All processes of a run share them. */
export const keys = JSON.parse((process.env['BENCH_KEYS'] ??= JSON.stringify(made()))) as ReturnType<typeof made>;
