import { createDecipheriv, createSecretKey } from 'node:crypto';
import { deriveKey } from '../../shared/store/crypto.ts';
import { UnopenedFile } from './header.ts';

/** The length in bytes of the payload's own nonce, which precedes its chunks. */
export const payloadNonceBytes = 16;

const tagBytes = 16;
const chunkBytes = 64 * 1024 + tagBytes;

/** Opens a payload piece by piece. */
export interface PayloadOpener {
  /** Returns the plain chunks that are known to be whole and unchanged. @throws UnopenedFile */
  readonly push: (piece: Uint8Array) => Buffer[];
  /** Returns the last chunk. @throws UnopenedFile also if the payload was cut at a chunk's end */
  readonly end: () => Buffer;
}

/**
 * Opens the payload of an age file: chunks of ChaCha20-Poly1305, each with its number in the nonce, the last marked. It
 * uses `node:crypto`, which is several times as fast as a cipher in JavaScript.
 */
export const openPayload = (fileKey: Uint8Array, nonce: Uint8Array): PayloadOpener => {
  const key = createSecretKey(deriveKey(fileKey, nonce, 'payload'));
  const chunk = Buffer.allocUnsafe(chunkBytes);
  let filled = 0;
  let number = 0;

  const open = (isLast: boolean): Buffer => {
    const iv = Buffer.alloc(12);
    // The counter has 11 bytes. Six are enough for the chunks of an export's file.
    iv.writeUIntBE(number, 5, 6);
    if (isLast) iv[11] = 1;
    number += 1;
    const end = filled - tagBytes;
    if (end < 0) throw new UnopenedFile('the last chunk is incomplete');
    filled = 0;
    try {
      const decipher = createDecipheriv('chacha20-poly1305', key, iv, { authTagLength: tagBytes });
      decipher.setAuthTag(chunk.subarray(end, end + tagBytes));
      const plain = decipher.update(chunk.subarray(0, end));
      decipher.final();
      return plain;
    } catch {
      throw new UnopenedFile('a chunk does not open');
    }
  };

  return {
    push: (piece) => {
      const plain: Buffer[] = [];
      let at = 0;
      while (at < piece.length) {
        // More bytes follow, so this chunk is not the last.
        if (filled === chunkBytes) plain.push(open(false));
        const taken = Math.min(chunkBytes - filled, piece.length - at);
        chunk.set(piece.subarray(at, at + taken), filled);
        filled += taken;
        at += taken;
      }
      return plain;
    },
    end: () => open(true),
  };
};
