import { base64url } from '../../shared/base64url.ts';
import { stateName } from '../../shared/exports/object-names.ts';
import { getSealed, putSealed, type FileDeps } from './sealed-file.ts';
import type { Delta, JobState } from './state.ts';

/*
 * A state file, sealed under the state key and bound to its name:
 *
 *   length of the JSON, 4 bytes ‖ JSON ‖ tags of what was seen
 *
 * A delta has what one leg adds. A snapshot has everything except the tags in earlier snapshots, which it names.
 */

/** The whole state except the tags. */
interface Snapshot extends Omit<JobState, 'seen'> {
  /** The names of the earlier snapshots, which hold the earlier tags. */
  readonly before: readonly string[];
  /** As in a delta. */
  readonly referred: readonly string[];
}

/** A state file's content. */
export type StateFile =
  { readonly delta: Delta; readonly tags: Uint8Array } | { readonly snapshot: Snapshot; readonly tags: Uint8Array };

const lengthBytes = 4;

const encode = ({ tags, ...json }: StateFile): Uint8Array => {
  const text = Buffer.from(JSON.stringify(json));
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, tags]);
};

const decode = (plain: Buffer): StateFile => {
  const end = lengthBytes + plain.readUInt32BE(0);
  const json = JSON.parse(plain.toString('utf8', lengthBytes, end)) as
    { readonly delta: Delta } | { readonly snapshot: Snapshot };
  return { ...json, tags: plain.subarray(end) };
};

/** A new random name, which no other attempt uses. */
export const newStateName = ({ randomBytes }: Pick<FileDeps, 'randomBytes'>, exportId: string): string =>
  stateName(exportId, base64url(randomBytes(16)));

/** Writes a state file. @throws whatever the bucket throws */
export const writeStateFile = (deps: FileDeps, stateKey: Uint8Array, name: string, file: StateFile): Promise<void> =>
  putSealed(deps, stateKey, name, encode(file));

/** The references in a state file. */
export const referredIn = (file: StateFile): readonly string[] =>
  'delta' in file ? file.delta.referred : file.snapshot.referred;

/** Reads a state file. @throws whatever the bucket throws, and Error if it is damaged */
export const readStateFile = async (
  deps: Pick<FileDeps, 'objects'>,
  stateKey: Uint8Array,
  name: string,
): Promise<StateFile> => decode(await getSealed(deps, stateKey, name));
