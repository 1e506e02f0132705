import { createCipheriv, createDecipheriv, createSecretKey, hash, hkdfSync, timingSafeEqual } from 'node:crypto';

/*
 * Key objects, and hashes made in one call, are measurably faster: a cipher costs 17 µs with a byte array and 4 µs with
 * a key object, an HKDF 17 and 9 µs.
 */

/**
 * SHA-256, base64url: the form in which every bearer, state and cookie is stored. Each has 256 random bits, so no salt
 * is needed.
 */
export const sha256 = (value: string | Uint8Array): string => hash('sha256', value, 'base64url');

/** A hash of these values in this order. Each is preceded by its length, so that no other values give the same input. */
export const hashOf = (values: readonly (string | number | boolean | undefined)[]): string =>
  sha256(values.map((value) => (value === undefined ? '-' : `${String(value).length}:${value}`)).join(' '));

/** Compares two hashes in constant time. */
export const sameHash = (a: string | undefined, b: string): boolean =>
  a !== undefined && a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

/** HKDF-SHA-256 (RFC 5869), 32 bytes; `info` keeps keys of different purposes apart. */
export const deriveKey = (secret: Uint8Array, salt: Uint8Array, info: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', createSecretKey(secret), salt, info, 32));

const ivBytes = 12;
const tagBytes = 16;

/**
 * Seals with AES-256-GCM: iv ‖ ciphertext ‖ tag. `boundTo` is authenticated too, so a sealed value cannot be moved to
 * another item.
 */
export const seal = (key: Uint8Array, plain: Uint8Array, boundTo: string, iv: Uint8Array): Uint8Array => {
  const cipher = createCipheriv('aes-256-gcm', createSecretKey(key), iv).setAAD(Buffer.from(boundTo));
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
};

/**
 * Unseals what {@link seal} made.
 * @throws Error if the key, the binding or any bit differs
 */
export const unseal = (key: Uint8Array, sealed: Uint8Array, boundTo: string): Uint8Array => {
  const decipher = createDecipheriv('aes-256-gcm', createSecretKey(key), sealed.subarray(0, ivBytes))
    .setAAD(Buffer.from(boundTo))
    .setAuthTag(sealed.subarray(sealed.length - tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(ivBytes, sealed.length - tagBytes)), decipher.final()]);
};

/**
 * Unseals what is bound to the columns beside it, or what an earlier version bound to less. What is sealed now opens under
 * `boundTo` only.
 * @throws Error if neither opens it
 */
export const unsealBound = (key: Uint8Array, sealed: Uint8Array, boundTo: string, formerly: string): Uint8Array => {
  try {
    return unseal(key, sealed, boundTo);
  } catch {
    return unseal(key, sealed, formerly);
  }
};

/** Bytes of a fresh iv for {@link seal}. */
export const sealIvBytes = ivBytes;
