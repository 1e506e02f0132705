import { createCipheriv, createHmac, createPublicKey, createSecretKey, diffieHellman } from 'node:crypto';
import { exportKeyObject, publicHalf } from '../../shared/exports/sealing-key.ts';
import { deriveKey } from '../../shared/store/crypto.ts';
import { blockBytes, type Blocks } from './blocks.ts';

/** A DER SubjectPublicKeyInfo (RFC 8410 §4) up to the 32 bytes of an X25519 key. */
const spki = Buffer.from('302a300506032b656e032100', 'hex');

const noSalt = new Uint8Array();
const wrapNonce = Buffer.alloc(12);

/** Base64 without padding, as age writes it. */
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replaceAll('=', '');

const wrapFileKey = (wrapKey: Uint8Array, fileKey: Uint8Array): Uint8Array => {
  const cipher = createCipheriv('chacha20-poly1305', createSecretKey(wrapKey), wrapNonce, { authTagLength: 16 });
  return Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
};

/** The random values of a header. Each is used once. */
interface HeaderSecrets {
  /** The X25519 private key that only this header uses, 32 bytes. */
  readonly ephemeral: Uint8Array;
  /** 16 bytes. */
  readonly fileKey: Uint8Array;
}

/**
 * The header of an age file with one X25519 recipient (https://c2sp.org/age#the-x25519-recipient-type).
 * @param recipient the public key, 32 bytes
 */
const ageHeader = (recipient: Uint8Array, { ephemeral, fileKey }: HeaderSecrets): Buffer => {
  const privateKey = exportKeyObject(ephemeral);
  const share = publicHalf(privateKey);
  const publicKey = createPublicKey({ key: Buffer.concat([spki, recipient]), format: 'der', type: 'spki' });
  // Node refuses a public key of low order, whose secret would be all zeros.
  const secret = diffieHellman({ privateKey, publicKey });
  const wrapKey = deriveKey(secret, Buffer.concat([share, recipient]), 'age-encryption.org/v1/X25519');
  const stanza = `-> X25519 ${base64(share)}\n${base64(wrapFileKey(wrapKey, fileKey))}`;
  const authentic = `age-encryption.org/v1\n${stanza}\n---`;
  const mac = createHmac('sha256', createSecretKey(deriveKey(fileKey, noSalt, 'header')))
    .update(authentic)
    .digest();
  return Buffer.from(`${authentic} ${base64(mac)}\n`);
};

/** How many bytes are sealed at once. */
const chunkBytes = 64 * 1024;

const tagBytes = 16;

/** A file that is sealed while it is written. */
export interface SealedFile {
  readonly write: (plain: Uint8Array) => void;
  /** Finishes the file and returns all of it, in memory that is valid until `free` is called. */
  readonly end: () => Buffer;
  /** Releases the memory of a finished file, so that other files can use it. */
  readonly free: () => void;
}

/**
 * Seals a file in the age format (https://c2sp.org/age): after the header, chunks of ChaCha20-Poly1305, each with its
 * number in the nonce, the last marked. It uses `node:crypto`, which is ten times as fast as the age library's cipher in
 * JavaScript, and seals each chunk as soon as it is full, so that memory holds no plain text beyond one chunk.
 * @param recipient the public key, 32 bytes
 */
export const sealFile = (
  recipient: Uint8Array,
  randomBytes: (size: number) => Uint8Array,
  memory: Blocks,
): SealedFile => {
  const fileKey = randomBytes(16);
  const payloadNonce = randomBytes(16);
  const key = createSecretKey(deriveKey(fileKey, payloadNonce, 'payload'));
  const blocks: Buffer[] = [];
  let sealedBytes = 0;
  const chunk = Buffer.allocUnsafe(chunkBytes);
  let filled = 0;
  let number = 0;
  let whole: Buffer | undefined;

  const append = (sealed: Uint8Array): void => {
    let from = 0;
    while (from < sealed.length) {
      const used = sealedBytes % blockBytes;
      if (used === 0) blocks.push(memory.take());
      const taken = sealed.subarray(from, from + blockBytes - used);
      blocks.at(-1)!.set(taken, used);
      sealedBytes += taken.length;
      from += taken.length;
    }
  };

  const sealChunk = (isLast: boolean): void => {
    const iv = Buffer.alloc(12);
    // The counter has 11 bytes. Six are enough for a part of an export.
    iv.writeUIntBE(number, 5, 6);
    if (isLast) iv[11] = 1;
    number += 1;
    const cipher = createCipheriv('chacha20-poly1305', key, iv, { authTagLength: tagBytes });
    append(cipher.update(chunk.subarray(0, filled)));
    cipher.final();
    append(cipher.getAuthTag());
    filled = 0;
  };

  append(ageHeader(recipient, { ephemeral: randomBytes(32), fileKey }));
  append(payloadNonce);
  return {
    write: (plain) => {
      let from = 0;
      while (from < plain.length) {
        // More bytes follow, so this chunk is not the last.
        if (filled === chunkBytes) sealChunk(false);
        const taken = Math.min(plain.length - from, chunkBytes - filled);
        chunk.set(plain.subarray(from, from + taken), filled);
        filled += taken;
        from += taken;
      }
    },
    end: () => {
      sealChunk(true);
      whole = memory.join(blocks, sealedBytes);
      return whole;
    },
    free: () => {
      if (whole !== undefined) memory.free(blocks, whole);
      whole = undefined;
    },
  };
};
