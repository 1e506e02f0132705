/**
 * The set of what was already read, as 80-bit tags: the first bytes of an HMAC of each identity. Each tag has a mark of 16
 * bits beside it. It is compact because a record can have a million resources, which take 15 MB, and 26 MB while the
 * table grows.
 */
export interface SeenSet {
  /** Adds a tag. Returns false if it was already there. @param tag at least 10 bytes; only the first 10 count */
  readonly add: (tag: Uint8Array) => boolean;
  /** Adds a tag with a mark, or replaces its mark. Returns the earlier mark, 0 if the tag is new. @param mark 2 to 65,535 */
  readonly mark: (tag: Uint8Array, mark: number) => number;
  readonly has: (tag: Uint8Array) => boolean;
  readonly size: () => number;
  /** Returns the tags added or marked since the last call, 12 bytes each with their marks. */
  readonly takeDelta: () => Uint8Array;
  /** Adds the tags of an earlier delta. The next delta does not repeat them. */
  readonly load: (delta: Uint8Array) => void;
}

/** The bytes in a tag. */
export const tagBytes = 10;

/** The bytes of a tag with its mark, the low 16 bits of the last word. */
export const entryBytes = 12;

/** The mark of a tag that was added without one. No mark is 0, so that no entry is all zeros. */
const unmarked = 1;
const markBits = 0xffff;

const words = 3;
const firstSlots = 4096;
const mostFilled = 0.8;
const growth = 1.5;

export const createSeenSet = (): SeenSet => {
  let slots = firstSlots;
  /** Three words for each slot. A slot of zeros is free. */
  let table = new Uint32Array(slots * words);
  let size = 0;
  let delta = new Uint8Array(64 * entryBytes);
  let deltaLength = 0;

  const isFree = (at: number): boolean => table[at + 2] === 0;

  /** The index of a tag in the table, or of the free slot where it would go. @param c with any mark */
  const find = (a: number, b: number, c: number): number => {
    let slot = Math.floor((a * slots) / 0x1_0000_0000);
    for (;;) {
      const at = slot * words;
      const isSame = table[at] === a && table[at + 1] === b && (table[at + 2]! ^ c) >>> 16 === 0;
      if (isFree(at) || isSame) return at;
      slot = slot + 1 === slots ? 0 : slot + 1;
    }
  };

  const put = (at: number, a: number, b: number, c: number): void => {
    table[at] = a;
    table[at + 1] = b;
    table[at + 2] = c;
  };

  const grow = (): void => {
    const old = table;
    slots = Math.ceil(slots * growth);
    table = new Uint32Array(slots * words);
    for (let at = 0; at < old.length; at += words) {
      const [a, b, c] = [old[at]!, old[at + 1]!, old[at + 2]!];
      if (c !== 0) put(find(a, b, c), a, b, c);
    }
  };

  const halfAt = (tag: Uint8Array, at: number): number => (tag[at]! << 8) | tag[at + 1]!;
  const wordAt = (tag: Uint8Array, at: number): number => ((halfAt(tag, at) << 16) | halfAt(tag, at + 2)) >>> 0;

  const place = (tag: Uint8Array, at: number): number =>
    find(wordAt(tag, at), wordAt(tag, at + 4), halfAt(tag, at + 8) << 16);

  /** Puts a tag, or replaces its mark. Returns the earlier mark, 0 if the tag is new. */
  const putAt = (tag: Uint8Array, from: number, mark: number): number => {
    const at = place(tag, from);
    const earlier = table[at + 2]! & markBits;
    put(at, wordAt(tag, from), wordAt(tag, from + 4), ((halfAt(tag, from + 8) << 16) | mark) >>> 0);
    if (earlier === 0) size++;
    if (size > slots * mostFilled) grow();
    return earlier;
  };

  const note = (tag: Uint8Array, mark: number): void => {
    if (deltaLength + entryBytes > delta.length) {
      const grown = new Uint8Array(delta.length * 2);
      grown.set(delta);
      delta = grown;
    }
    delta.set(tag.subarray(0, tagBytes), deltaLength);
    delta[deltaLength + tagBytes] = mark >> 8;
    delta[deltaLength + tagBytes + 1] = mark;
    deltaLength += entryBytes;
  };

  const has = (tag: Uint8Array): boolean => !isFree(place(tag, 0));

  const mark = (tag: Uint8Array, by: number): number => {
    if (tag.length < tagBytes) throw new Error('a tag is too short');
    const earlier = putAt(tag, 0, by);
    if (earlier !== by) note(tag, by);
    return earlier;
  };

  return {
    add: (tag) => !has(tag) && mark(tag, unmarked) === 0,
    mark,
    has,
    size: () => size,
    takeDelta() {
      const taken = delta.slice(0, deltaLength);
      delta = new Uint8Array(64 * entryBytes);
      deltaLength = 0;
      return taken;
    },
    load(tags) {
      if (tags.length % entryBytes !== 0) throw new Error('a delta has a part of a tag');
      for (let at = 0; at < tags.length; at += entryBytes) putAt(tags, at, halfAt(tags, at + tagBytes));
    },
  };
};
