import { undecided } from './base-urls.ts';
import type { LinkDecider } from './decide-links.ts';
import * as json from './json-bytes.ts';
import * as keys from './link-keys.ts';

/**
 * The fast part of the link rewriter: it searches from key to key, over a chunk's bytes as characters. It works outside
 * any `link` or `response`, which is nearly everywhere, and knows nothing about objects and arrays. That is sound
 * because in JSON the bytes `"reference" : "` are always a key and the start of its value: inside a string the quotes
 * would have backslashes, and if the first quote closed a string, bare letters would follow it. A value that looks like
 * a key is not followed by a colon.
 *
 * It decides a link behind such a key itself, where the link is written as usual. It leaves every other value to the
 * token reader.
 *
 * A key that spans two chunks is found with the help of the previous chunk's end, which is kept (`tail`).
 */
export interface KeySearch {
  /** Takes the next chunk. */
  readonly take: (chunk: Buffer) => void;
  /** Finds a key that began before the chunk. Returns where it ends, else 0. */
  readonly findCut: () => number;
  /** Finds the next key whose value is left to the token reader. Returns where it ends, else the chunk's length. */
  readonly findNext: (chunk: Buffer, from: number) => number;
  /** Everything before `at` has been read: no key begins there. */
  readonly startAt: (at: number) => void;
  /** Lets go of the chunk. @param isSearched whether its end was searched, so that a key may have begun there */
  readonly release: (chunk: Buffer, isSearched: boolean) => void;
}

/** The kind of a key outside any `link` or `response`. */
const kindOutside = (kind: number): number => {
  if (kind === keys.urlKey) return keys.maybeBinary;
  return kind === keys.locationKey ? keys.otherKey : kind;
};

/**
 * Makes the search of one answer.
 * @param replaceBase called with the place of a payer's base in the chunk
 * @param enter called with the kind of each key whose value is left to the token reader
 */
export const createKeySearch = (
  decider: LinkDecider,
  replaceBase: (from: number, to: number) => void,
  enter: (kind: number) => void,
): KeySearch => {
  /** A link that starts with it, written as usual, is found together with its key. */
  const longestBase = decider.payerBases[0];
  const usualKey = keys.usualKey(longestBase);
  const baseLength = longestBase?.length ?? 0;
  let pattern = usualKey;
  let text = '';
  let tail = '';
  let soughtFrom = 0;

  const startAt = (at: number): void => {
    soughtFrom = at;
    tail = '';
  };

  /** The first quote of the key whose last quote is at `end`; -1 if that is the end of a longer key. */
  const startOfKey = (chunk: Buffer, end: number): number => {
    let start = end - 1;
    while (chunk[start] !== json.quoteByte) start--;
    const before = start > 0 ? chunk[start - 1] : tail.charCodeAt(tail.length - 1);
    return before === json.backslashByte ? -1 : start;
  };

  /** Replaces the base of a link that was found with its key. The base ends at `end`. */
  const replaceUsual = (chunk: Buffer, end: number): void => {
    const from = end - baseLength;
    let endOfKey = from - 2;
    while (chunk[endOfKey] !== json.quoteByte) endOfKey--;
    if (startOfKey(chunk, endOfKey) < 0) return;
    replaceBase(from, end);
    startAt(end);
  };

  /** Decides a link written as usual behind its key. Returns where it starts, or -1 for any other value. */
  const decideUsual = (chunk: Buffer, endOfKey: number, kind: number): number => {
    if ((kind !== keys.linkedKey && kind !== keys.maybeBinary) || chunk[endOfKey] !== json.colonByte) return -1;
    const quote = chunk[endOfKey + 1] === json.space ? endOfKey + 2 : endOfKey + 1;
    if (chunk[quote] !== json.quoteByte) return -1;
    const at = quote + 1;
    const length = decider.decideInPlace(chunk, at, kind);
    if (length === undecided) return -1;
    if (length > 0) replaceBase(at, at + length);
    startAt(at);
    return at;
  };

  return {
    take(chunk) {
      soughtFrom = 0;
      text = chunk.toString('latin1');
      pattern = keys.hasEscapedLetter(text) ? keys.spelledKey : usualKey;
    },

    findNext(chunk, from) {
      pattern.lastIndex = from;
      while (pattern.test(text)) {
        const end = pattern.lastIndex;
        if (chunk[end - 1] !== json.quoteByte) {
          replaceUsual(chunk, end);
          continue;
        }
        const start = startOfKey(chunk, end - 1);
        if (start < 0) continue;
        const kind = kindOutside(
          pattern === keys.spelledKey
            ? keys.kindOfSource(text.slice(start, end))
            : keys.kindAt(chunk, start + 1, end - start - 2),
        );
        if (kind === keys.otherKey) continue;
        const at = decideUsual(chunk, end, kind);
        if (at < 0) {
          enter(kind);
          return end;
        }
        pattern.lastIndex = at;
      }
      return chunk.length;
    },

    findCut() {
      const reach = tail + text.slice(0, keys.keyReach);
      keys.spelledKey.lastIndex = 0;
      for (let match = keys.spelledKey.exec(reach); match !== null; match = keys.spelledKey.exec(reach)) {
        keys.spelledKey.lastIndex = match.index + 1;
        if (match.index >= tail.length) break;
        const end = match.index + match[0].length - tail.length;
        if (end <= 0 || reach[match.index - 1] === '\\') continue;
        const kind = kindOutside(keys.kindOfSource(match[0]));
        if (kind !== keys.otherKey) enter(kind);
        return end;
      }
      return 0;
    },

    startAt,

    release(chunk, isSearched) {
      text = '';
      if (!isSearched) return;
      const from = Math.max(soughtFrom, chunk.length - keys.keyReach);
      const seen = chunk.toString('latin1', from);
      tail = from > 0 ? seen : (tail + seen).slice(-keys.keyReach);
    },
  };
};
