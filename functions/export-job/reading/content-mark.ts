import { backslashByte, closeObject, openArray, openObject, quoteByte } from '../../shared/json/bytes.ts';
import type { PageResource } from './page-resource.ts';

/** One of JSON's escapes after another. */
const escapes = /(?:\\(?:u[\da-fA-F]{4}|["\\/bfnrt]))+/g;

/** The bytes with each character spelled as JSON.stringify does. Most resources have no escapes, and cost one search. */
const respelled = (line: Buffer): Buffer =>
  line.includes(backslashByte) && (line.includes(String.raw`\u`) || line.includes(String.raw`\/`))
    ? Buffer.from(line.toString().replaceAll(escapes, (found) => JSON.stringify(JSON.parse(`"${found}"`)).slice(1, -1)))
    : line;

const comma = 0x2c;
const colon = 0x3a;
const closeArray = 0x5d;

/** Mixes the bits of a number, so that each input bit changes about half of the output bits. */
const mixed = (bits: number): number => {
  const once = Math.imul(bits ^ (bits >>> 16), 0x85_eb_ca_6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2_b2_ae_35);
  return twice ^ (twice >>> 16);
};

/** The hash of a list or a text with one more item. */
const followed = (hash: number, by: number): number => Math.imul(hash ^ by, 0x01_00_01_93);

const isMeta = (bytes: Buffer, from: number, to: number): boolean =>
  to - from === 6 && bytes.toString('latin1', from + 1, to - 1) === 'meta';

/**
 * A hash of valid JSON without white space between tokens, in one pass. The members of an object have no order (RFC 8259 §4), so
 * their hashes are added up; a list has one. The `meta` of the outer object does not count.
 */
const hashOf = (bytes: Buffer): number => {
  /** For each open object or list, after a first one that holds them all: its hash so far, and whether it is an object. */
  const hashes = [0];
  const areObjects = [false];
  /** For each: the hash of the name before the current value, or 0 before a name. */
  const names = [0];
  let level = 0;
  /** Whether the current value is the meta. */
  let isLeftOut = false;

  const take = (value: number): void => {
    const before = hashes[level]!;
    if (areObjects[level] !== true) hashes[level] = followed(before, value);
    else if (!(isLeftOut && level === 1)) hashes[level] = (before + mixed(Math.imul(names[level]!, 31) + value)) | 0;
    if (level === 1) isLeftOut = false;
  };

  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]!;
    if (byte === comma || byte === colon) continue;
    if (byte === openObject || byte === openArray) {
      level += 1;
      hashes[level] = byte;
      areObjects[level] = byte === openObject;
    } else if (byte === closeObject || byte === closeArray) {
      level -= 1;
      take(mixed(hashes[level + 1]!));
    } else if (byte === quoteByte) {
      const from = at;
      let hash = byte;
      for (at += 1; bytes[at] !== quoteByte; at += 1) {
        hash = followed(hash, bytes[at]!);
        if (bytes[at] === backslashByte) hash = followed(hash, bytes[(at += 1)]!);
      }
      if (bytes[at + 1] !== colon) take(mixed(hash));
      else {
        names[level] = mixed(hash);
        if (level === 1) isLeftOut = isMeta(bytes, from, at + 1);
      }
    } else {
      let hash = followed(colon, byte);
      for (; bytes[at + 1] !== comma && bytes[at + 1] !== closeObject && bytes[at + 1] !== closeArray; at += 1)
        hash = followed(hash, bytes[at + 1]!);
      take(mixed(hash));
    }
  }
  return hashes[0]!;
};

/**
 * A mark of a resource's content without its meta, which changes with each version and, at some payers, with each answer. It does
 * not depend on which characters are escaped, or on the order of members. Two that differ have the same mark once in 65,534 times.
 */
export const contentMark = ({ line }: Pick<PageResource, 'line'>): number =>
  2 + ((hashOf(respelled(line)) >>> 0) % 0xfffe);
