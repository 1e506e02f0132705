import { createCipheriv, createHmac, createPublicKey, diffieHellman } from 'node:crypto';
import { exportKeyObject, exportPublicKey } from '../../shared/exports/sealing-key.ts';
import { deriveKey } from '../../shared/store/crypto.ts';

/** A DER SubjectPublicKeyInfo (RFC 8410 §4) up to the 32 bytes of an X25519 key. */
const spki = Buffer.from('302a300506032b656e032100', 'hex');

const noSalt = new Uint8Array();
const wrapNonce = Buffer.alloc(12);

/** Base64 without padding, as age writes it. */
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replaceAll('=', '');

const wrapFileKey = (wrapKey: Uint8Array, fileKey: Uint8Array): Uint8Array => {
  const cipher = createCipheriv('chacha20-poly1305', wrapKey, wrapNonce, { authTagLength: 16 });
  return Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
};

/** The random values of a header. Each is used once. */
export interface HeaderSecrets {
  /** The X25519 private key that only this header uses, 32 bytes. */
  readonly ephemeral: Uint8Array;
  /** 16 bytes. */
  readonly fileKey: Uint8Array;
}

/**
 * The header of an age file with one X25519 recipient (https://c2sp.org/age#the-x25519-recipient-type).
 * @param recipient the public key, 32 bytes
 */
export const ageHeader = (recipient: Uint8Array, { ephemeral, fileKey }: HeaderSecrets): Buffer => {
  const share = exportPublicKey(ephemeral);
  const publicKey = createPublicKey({ key: Buffer.concat([spki, recipient]), format: 'der', type: 'spki' });
  // Node refuses a public key of low order, whose secret would be all zeros.
  const secret = diffieHellman({ privateKey: exportKeyObject(ephemeral), publicKey });
  const wrapKey = deriveKey(secret, Buffer.concat([share, recipient]), 'age-encryption.org/v1/X25519');
  const stanza = `-> X25519 ${base64(share)}\n${base64(wrapFileKey(wrapKey, fileKey))}`;
  const authentic = `age-encryption.org/v1\n${stanza}\n---`;
  const mac = createHmac('sha256', deriveKey(fileKey, noSalt, 'header'))
    .update(authentic)
    .digest();
  return Buffer.from(`${authentic} ${base64(mac)}\n`);
};
