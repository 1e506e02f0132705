import {
  createDecipheriv,
  createHmac,
  createPublicKey,
  diffieHellman,
  timingSafeEqual,
  type KeyObject,
} from 'node:crypto';
import { exportKeyObject, exportPublicKey } from '../../shared/exports/sealing-key.ts';
import { deriveKey } from '../../shared/store/crypto.ts';

/*
 * The header of an age file (https://c2sp.org/age) with one X25519 recipient, as the job writes it:
 *
 *   age-encryption.org/v1
 *   -> X25519 {ephemeral public key}
 *   {file key, sealed}
 *   --- {HMAC of everything up to here}
 */
const headerForm =
  /^(age-encryption\.org\/v1\n-> X25519 ([A-Za-z0-9+/]{43})\n([A-Za-z0-9+/]{43})\n---) ([A-Za-z0-9+/]{43})\n/;

/** The length of such a header, in bytes. */
export const ageHeaderBytes = 22 + 54 + 44 + 48;

/** A DER SubjectPublicKeyInfo (RFC 8410 §4) up to the 32 bytes of an X25519 key. */
const spki = Buffer.from('302a300506032b656e032100', 'hex');

/** A private key and its public half, which the file key is bound to. */
export interface AgeIdentity {
  readonly privateKey: KeyObject;
  readonly publicKey: Uint8Array;
}

/** @param privateKey 32 bytes */
export const ageIdentity = (privateKey: Uint8Array): AgeIdentity => ({
  privateKey: exportKeyObject(privateKey),
  publicKey: exportPublicKey(privateKey),
});

/** The file was changed, or is sealed to another key. */
export class UnopenedFile extends Error {
  override readonly name = 'UnopenedFile';
}

const noSalt = new Uint8Array();
const wrapNonce = Buffer.alloc(12);

const openFileKey = (wrapKey: Uint8Array, sealed: Buffer): Uint8Array => {
  const tagAt = sealed.length - 16;
  const decipher = createDecipheriv('chacha20-poly1305', wrapKey, wrapNonce, { authTagLength: 16 });
  decipher.setAuthTag(sealed.subarray(tagAt));
  return Buffer.concat([decipher.update(sealed.subarray(0, tagAt)), decipher.final()]);
};

/**
 * Opens a header with the identity that it is sealed to.
 * @param header {@link ageHeaderBytes} bytes
 * @returns the file key
 * @throws UnopenedFile
 */
export const openAgeHeader = ({ privateKey, publicKey }: AgeIdentity, header: Buffer): Uint8Array => {
  const [, authentic = '', ephemeral = '', sealed = '', mac = ''] = headerForm.exec(header.toString('latin1')) ?? [];
  if (mac === '') throw new UnopenedFile('no header of ours');
  try {
    const share = Buffer.from(ephemeral, 'base64');
    const theirs = createPublicKey({ key: Buffer.concat([spki, share]), format: 'der', type: 'spki' });
    const secret = diffieHellman({ privateKey, publicKey: theirs });
    const wrapKey = deriveKey(secret, Buffer.concat([share, publicKey]), 'age-encryption.org/v1/X25519');
    const fileKey = openFileKey(wrapKey, Buffer.from(sealed, 'base64'));
    const expected = createHmac('sha256', deriveKey(fileKey, noSalt, 'header'))
      .update(authentic)
      .digest();
    if (timingSafeEqual(expected, Buffer.from(mac, 'base64'))) return fileKey;
  } catch {
    // OpenSSL's error adds nothing useful.
  }
  throw new UnopenedFile('the header does not open');
};
