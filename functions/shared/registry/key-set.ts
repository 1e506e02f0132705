import { createLocalJWKSet, errors, type CryptoKey, type JWK } from 'jose';

type KeySet = ReturnType<typeof createLocalJWKSet>;

const made = new WeakMap<readonly JWK[], KeySet>();

/**
 * Public keys, as `jose` looks for the one of a token (RFC 7517). Made once for each list that an environment keeps: a new one
 * would import its key again for each token.
 * @throws JOSEError if the list is malformed
 */
export const keySetOf = (keys: readonly JWK[]): KeySet => {
  const set = made.get(keys) ?? createLocalJWKSet({ keys: [...keys] });
  made.set(keys, set);
  return set;
};

/**
 * Verifies a token by the key that it names. If several have its `kid`, as those of some providers do while they change keys, each is tried.
 * @throws JOSEError of the library
 */
export const verifyByKeys = async <T>(
  keys: readonly JWK[],
  verify: (key: KeySet | CryptoKey) => Promise<T>,
): Promise<T> => {
  try {
    return await verify(keySetOf(keys));
  } catch (several) {
    if (!(several instanceof errors.JWKSMultipleMatchingKeys)) throw several;
    for await (const key of several) {
      try {
        return await verify(key);
      } catch (error) {
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
};
