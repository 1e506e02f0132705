import { createLocalJWKSet, type JWK } from 'jose';

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
