import { createHash, randomBytes } from 'node:crypto';
import { Encrypter, identityToRecipient } from 'age-encryption';
import type { StoredFile, StoredManifest, StoredPart, TypeOutcome } from '../../functions/shared/exports/manifest.ts';
import { manifestName, partName } from '../../functions/shared/exports/object-names.ts';
import { exportKeyObject } from '../../functions/shared/exports/sealing-key.ts';

/** A file for a test, as the lines of each of its parts; of an attachment, pieces of its text. */
export interface PlainFile {
  readonly name: string;
  readonly kind?: StoredFile['kind'];
  readonly contentType?: string;
  readonly hash?: string;
  readonly type: string;
  readonly parts: readonly (readonly string[])[];
}

/** The recipient of an export's files, as `age1…`. @param privateKey 32 bytes */
export const recipientOf = async (privateKey: Uint8Array): Promise<string> => {
  const pkcs8 = exportKeyObject(privateKey).export({ format: 'der', type: 'pkcs8' });
  return identityToRecipient(
    await crypto.subtle.importKey('pkcs8', Uint8Array.from(pkcs8), { name: 'X25519' }, true, ['deriveBits']),
  );
};

/** Seals bytes with age's own library. */
const sealTo = async (recipient: string, plain: Uint8Array): Promise<Uint8Array> => {
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return encrypter.encrypt(plain);
};

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64url');

/** Writes an export as a job does: sealed parts, and the manifest that lists them. */
export const sealExport = async (
  objects: Map<string, Uint8Array>,
  {
    exportId,
    privateKey,
    files,
    outcomes,
  }: {
    readonly exportId: string;
    readonly privateKey: Uint8Array;
    readonly files: readonly PlainFile[];
    readonly outcomes?: readonly TypeOutcome[];
  },
): Promise<{ readonly manifest: StoredManifest; readonly manifestDigest: string }> => {
  const recipient = await recipientOf(privateKey);
  /** By their text: a test may want many parts that need not differ. */
  const sealedParts = new Map<string, Promise<Uint8Array>>();
  const writePart = async (lines: readonly string[], lineEnd: string): Promise<StoredPart> => {
    const text = lines.map((line) => line + lineEnd).join('');
    const plain = Buffer.from(text);
    const sealing = sealedParts.get(text) ?? sealTo(recipient, plain);
    sealedParts.set(text, sealing);
    const sealed = await sealing;
    const object = partName(exportId, randomBytes(16).toString('base64url'));
    objects.set(object, sealed);
    return { object, digest: digestOf(sealed), bytes: plain.length };
  };
  const stored: StoredFile[] = [];
  for (const { kind = 'output', parts, ...file } of files) {
    const isAttachment = kind === 'attachment';
    const count = isAttachment ? 1 : parts.reduce((sum, lines) => sum + lines.length, 0);
    const written = parts.map((lines) => writePart(lines, isAttachment ? '' : '\n'));
    stored.push({ ...file, kind, count, parts: await Promise.all(written) });
  }
  const counted = stored
    .filter(({ kind }) => kind === 'output')
    .map(({ type, count }): TypeOutcome => ({ type, outcome: 'complete', count }));
  const manifest = { transactionTime: '2026-06-01T12:00:00Z', files: stored, outcomes: outcomes ?? counted };
  const sealed = await sealTo(recipient, Buffer.from(JSON.stringify(manifest)));
  objects.set(manifestName(exportId), sealed);
  return { manifest, manifestDigest: digestOf(sealed) };
};
