import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { deriveKey } from '../store/crypto.ts';
import { boundOf, exportChanged, hashOfAsked, type AskedExport, type BoundExport } from '../store/export-item.ts';
import type { Grant } from '../store/grant-item.ts';

/** The random bytes of an `exportSecret`. */
export const exportSecretBytes = 32;

/** Which only a bearer of the grant can make. */
const macOf = (grantKey: Uint8Array, random: Uint8Array, asked: AskedExport): Uint8Array =>
  deriveKey(grantKey, random, `p2p export asked ${hashOfAsked(asked)}`);

/**
 * An export's secret: random bytes, and a MAC under the grant's key of what was asked. The files' key is derived from all of it, so
 * whoever cannot derive keys of the grant can change neither what was asked nor the recipient unnoticed.
 */
export const makeExportSecret = (grantKey: Uint8Array, random: Uint8Array, asked: AskedExport): Uint8Array =>
  Buffer.concat([random, macOf(grantKey, random, asked)]);

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

/**
 * What the values of an export of this grant are bound to.
 * @returns undefined if 0.2 kicked it off, whose secrets are random alone, and whose job knows no binding
 * @throws GatewayError `server_error` if the item is not as the grant's bearer had it written
 */
export const requireOwnExport = (
  grantKey: Uint8Array,
  grant: Pick<Grant, 'grantId' | 'payer' | 'partner' | 'patient'>,
  item: BoundExport,
): string | undefined => {
  const { exportSecret } = item;
  const random = exportSecret.subarray(0, exportSecretBytes);
  const mac = exportSecret.subarray(exportSecretBytes);
  const recipient = exportPublicKey(exportPrivateKey(grantKey, exportSecret));
  const isOfGrant =
    item.grantId === grant.grantId &&
    item.payer === grant.payer &&
    item.partner === grant.partner &&
    (grant.patient === undefined || item.patient === grant.patient);
  const isAsAsked = mac.length === 0 || Buffer.from(macOf(grantKey, random, item)).equals(mac);
  if (!isOfGrant || !isAsAsked || !Buffer.from(recipient).equals(item.recipient)) throw exportChanged();
  return mac.length === 0 ? undefined : boundOf(item);
};
