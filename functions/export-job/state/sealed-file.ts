import type { Deps } from '../../shared/deps.ts';
import { seal, sealIvBytes, unseal } from '../../shared/store/crypto.ts';

/** The exports' bucket. Both functions throw GatewayError `temporarily_unavailable`. */
export interface ObjectStore {
  /** The body is read until this resolves, and may change after it. */
  readonly put: (name: string, body: Uint8Array) => Promise<void>;
  readonly get: (name: string) => Promise<Uint8Array>;
}

/** What writes the job's own files. */
export interface FileDeps extends Pick<Deps, 'randomBytes'> {
  readonly objects: ObjectStore;
}

/** Puts a file of the job's own, sealed under the state key and bound to its name. @throws whatever the bucket throws */
export const putSealed = (
  { objects, randomBytes }: FileDeps,
  stateKey: Uint8Array,
  name: string,
  content: Uint8Array,
): Promise<void> => objects.put(name, seal(stateKey, content, name, randomBytes(sealIvBytes)));

/** The content of such a file. @throws whatever the bucket throws, and Error if it is damaged */
export const getSealed = async (
  { objects }: Pick<FileDeps, 'objects'>,
  stateKey: Uint8Array,
  name: string,
): Promise<Buffer> => {
  const { buffer, byteOffset, byteLength } = unseal(stateKey, await objects.get(name), name);
  return Buffer.from(buffer, byteOffset, byteLength);
};
