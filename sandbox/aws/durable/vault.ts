import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Vault } from './operations.ts';

/** Seals texts with AES-256-GCM: iv ‖ ciphertext ‖ tag, in base64. */
export const vaultOf = (key: Uint8Array): Vault => ({
  seal: (text) => {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, iv);
    return Buffer.concat([iv, cipher.update(text), cipher.final(), cipher.getAuthTag()]).toString('base64');
  },
  open: (sealed) => {
    const bytes = Buffer.from(sealed, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(-16));
    return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString();
  },
});
