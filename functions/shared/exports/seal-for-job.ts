import { DecryptCommand, GenerateDataKeyCommand, type KMSClient } from '@aws-sdk/client-kms';
import { causeOf, unavailable } from '../errors.ts';
import { seal, sealIvBytes, unseal } from '../store/crypto.ts';

/*
 * A value in an item that only the job may read. It is sealed under a data key of the exports key, with the export's id
 * as the encryption context; that of an exchange also names its partner, and two of its values other functions open too:
 *
 *   length of the wrapped key, 2 bytes ‖ wrapped key ‖ iv ‖ AES-256-GCM( value ) ‖ tag
 */

/** The purpose of a value. A value sealed for one purpose does not open for another. */
type BoxPurpose = 'payer token' | 'payer status' | 'state key' | 'input key' | 'file key' | 'group key';

/**
 * What a box belongs to: an export, by its id; or of an exchange, what the box is bound to, which names the partner. Whoever opens
 * a box must say the same.
 */
export type BoxOwner =
  string | { readonly export: string; readonly partner: string } | { readonly group: string; readonly partner: string };

/**
 * Seals values for the job.
 * @param boundTo what else must be the same when it is opened, such as a hash of columns. The key policy allows no further context,
 * so AES-GCM authenticates it. @default nothing
 * @throws GatewayError `temporarily_unavailable`
 */
export type SealForJob = (
  owner: BoxOwner,
  purpose: BoxPurpose,
  value: Uint8Array,
  boundTo?: string,
) => Promise<Uint8Array>;

/** Opens a value sealed for the job. @throws GatewayError `temporarily_unavailable`, also if the key is disabled; Error if anything differs */
export type OpenInJob = (
  owner: BoxOwner,
  purpose: BoxPurpose,
  box: Uint8Array,
  boundTo?: string,
) => Promise<Uint8Array>;

/** What AES-GCM authenticates of a value. */
const boundBy = (purpose: BoxPurpose, boundTo: string | undefined): string =>
  boundTo === undefined ? purpose : JSON.stringify([purpose, boundTo]);

const contextOf = (owner: BoxOwner): Record<string, string> =>
  typeof owner === 'string' ? { export: owner } : { ...owner };

const sendOrUnavailable = async <T>(call: Promise<T>): Promise<T> => {
  try {
    return await call;
  } catch (error) {
    throw unavailable(`kms: ${causeOf(error)}`);
  }
};

export const sealForJob =
  (client: KMSClient, keyId: string, randomBytes: (size: number) => Uint8Array): SealForJob =>
  async (owner, purpose, value, boundTo) => {
    const { Plaintext, CiphertextBlob } = await sendOrUnavailable(
      client.send(
        new GenerateDataKeyCommand({ KeyId: keyId, KeySpec: 'AES_256', EncryptionContext: contextOf(owner) }),
      ),
    );
    if (Plaintext === undefined || CiphertextBlob === undefined) throw unavailable('kms: no data key');
    const length = Buffer.alloc(2);
    length.writeUInt16BE(CiphertextBlob.length);
    return Buffer.concat([
      length,
      CiphertextBlob,
      seal(Plaintext, value, boundBy(purpose, boundTo), randomBytes(sealIvBytes)),
    ]);
  };

export const openInJob =
  (client: KMSClient, keyId: string): OpenInJob =>
  async (owner, purpose, box, boundTo) => {
    const bytes = Buffer.from(box);
    const end = 2 + bytes.readUInt16BE(0);
    const { Plaintext } = await sendOrUnavailable(
      client.send(
        new DecryptCommand({
          KeyId: keyId,
          CiphertextBlob: bytes.subarray(2, end),
          EncryptionContext: contextOf(owner),
        }),
      ),
    );
    if (Plaintext === undefined) throw unavailable('kms: no data key');
    return unseal(Plaintext, bytes.subarray(end), boundBy(purpose, boundTo));
  };
