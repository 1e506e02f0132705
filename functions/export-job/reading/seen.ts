/**
 * The set of what was already read, as 96-bit tags: the first bytes of an HMAC of each identity. It is compact because
 * a record can have a million resources, which take 15 MB, and 26 MB while the table grows.
 */
export interface SeenSet {
  /** Adds a tag. Returns false if it was already there. @param tag at least 12 bytes; only the first 12 count */
  readonly add: (tag: Uint8Array) => boolean;
  readonly has: (tag: Uint8Array) => boolean;
  readonly size: () => number;
  /** Returns the tags added since the last call, 12 bytes each. */
  readonly takeDelta: () => Uint8Array;
  /** Adds the tags of an earlier delta. The next delta does not repeat them. */
  readonly load: (delta: Uint8Array) => void;
}

/** The bytes in a tag. */
export const tagBytes = 12;

const words = 3;
const firstSlots = 4096;
const mostFilled = 0.8;
const growth = 1.5;

export const createSeenSet = (): SeenSet => {
  let slots = firstSlots;
  /** Three words for each slot. A slot of zeros is free. */
  let table = new Uint32Array(slots * words);
  let size = 0;
  let delta = new Uint8Array(64 * tagBytes);
  let deltaLength = 0;

  /** The index of a tag in the table, or of the free slot where it would go. */
  const find = (a: number, b: number, c: number): number => {
    let slot = Math.floor((a * slots) / 0x1_0000_0000);
    for (;;) {
      const at = slot * words;
      const isFree = table[at] === 0 && table[at + 1] === 0 && table[at + 2] === 0;
      if (isFree || (table[at] === a && table[at + 1] === b && table[at + 2] === c)) return at;
      slot = slot + 1 === slots ? 0 : slot + 1;
    }
  };

  const isFree = (at: number): boolean => table[at] === 0 && table[at + 1] === 0 && table[at + 2] === 0;

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
      if (a !== 0 || b !== 0 || c !== 0) put(find(a, b, c), a, b, c);
    }
  };

  const wordAt = (tag: Uint8Array, at: number): number =>
    ((tag[at]! << 24) | (tag[at + 1]! << 16) | (tag[at + 2]! << 8) | tag[at + 3]!) >>> 0;

  /** The last word, with a bit set so that no tag is all zeros. */
  const lastWord = (tag: Uint8Array, at: number): number => (wordAt(tag, at + 8) | 1) >>> 0;

  const place = (tag: Uint8Array, at: number): number => find(wordAt(tag, at), wordAt(tag, at + 4), lastWord(tag, at));

  const addAt = (tag: Uint8Array, from: number): boolean => {
    const at = place(tag, from);
    if (!isFree(at)) return false;
    put(at, wordAt(tag, from), wordAt(tag, from + 4), lastWord(tag, from));
    size++;
    if (size > slots * mostFilled) grow();
    return true;
  };

  const note = (tag: Uint8Array): void => {
    if (deltaLength + tagBytes > delta.length) {
      const grown = new Uint8Array(delta.length * 2);
      grown.set(delta);
      delta = grown;
    }
    delta.set(tag.subarray(0, tagBytes), deltaLength);
    deltaLength += tagBytes;
  };

  return {
    add(tag) {
      if (tag.length < tagBytes) throw new Error('a tag is too short');
      if (!addAt(tag, 0)) return false;
      note(tag);
      return true;
    },
    has: (tag) => !isFree(place(tag, 0)),
    size: () => size,
    takeDelta() {
      const taken = delta.slice(0, deltaLength);
      delta = new Uint8Array(64 * tagBytes);
      deltaLength = 0;
      return taken;
    },
    load(tags) {
      if (tags.length % tagBytes !== 0) throw new Error('a delta has a part of a tag');
      for (let at = 0; at < tags.length; at += tagBytes) addAt(tags, at);
    },
  };
};
