import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { deriveKey } from '../store/crypto.ts';

/** The length of an `exportSecret`, in bytes. */
export const exportSecretBytes = 32;

/** The PKCS #8 prefix (RFC 8410 §7) before the 32 bytes of an X25519 key. */
const pkcs8 = Buffer.from('302e020100300506032b656e04220420', 'hex');

/**
 * The X25519 private key that opens an export's files, 32 bytes. Deriving it takes the grant's key, which only bearers
 * carry, and the export's secret, which is deleted with its item.
 */
export const exportPrivateKey = (grantKey: Uint8Array, exportSecret: Uint8Array): Uint8Array =>
  deriveKey(grantKey, exportSecret, 'p2p export files');

/** The private key as `node:crypto` takes it. */
export const exportKeyObject = (privateKey: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([pkcs8, privateKey]), format: 'der', type: 'pkcs8' });

/** The public half of an X25519 key, 32 bytes. */
export const publicHalf = (privateKey: KeyObject): Uint8Array =>
  new Uint8Array(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32));

/** The public half, 32 bytes, to which the job seals. */
export const exportPublicKey = (privateKey: Uint8Array): Uint8Array => publicHalf(exportKeyObject(privateKey));
