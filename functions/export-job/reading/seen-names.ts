import { createHash, hash } from 'node:crypto';
import type { PageResource } from './page-resource.ts';
import { tagBytes, type SeenSet } from './seen.ts';

/** The identity of a resource in a record: its type and id, or its type and a digest of its bytes if it has no id. */
export const identityOf = ({ type, id, line }: Pick<PageResource, 'type' | 'id' | 'line'>): string =>
  id === undefined ? `${type}#${createHash('sha256').update(line).digest('base64url')}` : `${type}/${id}`;

/** The block size of SHA-256, in bytes. */
const blockBytes = 64;

/** Longer identities are rare, in bytes. */
const usualBytes = 768;

/** The most bytes of UTF-8 for one UTF-16 code unit. */
const mostUtf8Bytes = 3;

/** A key padded to a block, with each byte XORed (RFC 2104 §2). */
const padded = (key: Uint8Array, by: number): Buffer => {
  const block = Buffer.alloc(blockBytes, by);
  for (const [at, byte] of key.entries()) block[at] = byte ^ by;
  return block;
};

/**
 * Makes the tags of a {@link SeenSet} with a key that only the job has, so that tags do not reveal resources. A tag is
 * the first bytes of an HMAC-SHA256 (RFC 2104), computed as two one-shot hashes: for such short texts, Node's HMAC
 * takes five times as long (27 µs against 5 µs, measured on a busy machine).
 * @param key 32 bytes
 * @returns a tag as a view that the next one overwrites
 */
export const tagger = (key: Uint8Array): ((identity: string) => Uint8Array) => {
  const start = padded(key, 0x36);
  const outer = Buffer.concat([padded(key, 0x5c), Buffer.alloc(32)]);
  const tag = Buffer.alloc(tagBytes);
  // A usual identity fits. It is made for each resource, and memory for each would be collected often.
  const usual = Buffer.concat([start, Buffer.alloc(usualBytes)]);
  const innerOf = (identity: string): Buffer => {
    if (identity.length > usualBytes / mostUtf8Bytes) return Buffer.concat([start, Buffer.from(identity)]);
    return usual.subarray(0, blockBytes + usual.write(identity, blockBytes));
  };
  return (identity) => {
    // One character a byte: Node takes twice as long to make a buffer of a digest.
    outer.write(hash('sha256', innerOf(identity), 'binary'), blockBytes, 'binary');
    tag.write(hash('sha256', outer, 'binary'), 'binary');
    return tag;
  };
};

/** What an export has seen: resources, references and pages, by their names. A {@link SeenSet} holds only their tags. */
export interface SeenNames {
  readonly has: (name: string) => boolean;
  /** Adds a name. Returns false if it was already there. */
  readonly add: (name: string) => boolean;
  /** Adds a name with a mark, or replaces its mark. Returns the earlier mark, 0 if the name is new. */
  readonly mark: (name: string, mark: number) => number;
  readonly size: () => number;
}

/** @param key 32 bytes */
export const seenNames = (
  { has, add, mark, size }: Omit<SeenSet, 'takeDelta' | 'load'>,
  key: Uint8Array,
): SeenNames => {
  const tagOf = tagger(key);
  return {
    has: (name) => has(tagOf(name)),
    add: (name) => add(tagOf(name)),
    mark: (name, by) => mark(tagOf(name), by),
    size,
  };
};

/** A resource of this name was left out and reported. @param name its identity */
export const leftOut = (name: string): string => `left out ${name}`;

/** A resource of this name was left out, and is to be read again. @param name its identity */
export const readAgain = (name: string): string => `again ${name}`;

/** Whether a resource is in the record, or was left out and reported. */
export const isAccountedFor = (seen: SeenNames, name: string): boolean => seen.has(name) || seen.has(leftOut(name));

/** Parses the name of a resource that the record refers to, `Type/id`. */
export const parseName = (name: string): { readonly type: string; readonly id: string } => {
  const at = name.indexOf('/');
  return { type: name.slice(0, at), id: name.slice(at + 1) };
};
