import { undecided } from './base-urls.ts';
import type { LinkDecider, SlowLink } from './decide-links.ts';
import * as json from './json-bytes.ts';
import * as keys from './link-keys.ts';

/**
 * The thorough part of the link rewriter: a state machine that reads token by token. It starts after a key that the
 * search found and stops after that key's value. A link or another short value ends at once. The value of `link` or
 * `response` ends at its closing bracket: in there, the reader must know which object a `url` or `location` belongs to.
 */
export interface TokenReader {
  /** Whether the reader is outside any `link` or `response`, where the search is faster. */
  readonly isOutside: () => boolean;
  /** Whether the answer has turned out not to be JSON. Nothing is changed from then on. */
  readonly isBroken: () => boolean;
  /** Continues after a key that the search found. @param kind the key's kind */
  readonly enter: (kind: number) => void;
  /**
   * Reads the chunk from `start`. Returns where it stopped: outside, at the chunk's end, or before a link that the
   * chunk's end cuts off and that is held back.
   */
  readonly read: (chunk: Buffer, start: number) => number;
  /**
   * Continues with a link that was held back. Returns the decision and where in the chunk it stopped; undefined while
   * it is still undecided. If nothing was held back, it returns an empty decision and the chunk's start.
   */
  readonly resume: (chunk: Buffer) => { readonly before: Uint8Array; readonly start: number } | undefined;
  /** Returns what is held back. Nothing is changed from then on. */
  readonly stop: () => Uint8Array;
}

/** How many levels under a `link` or `response` are tracked. What is nested deeper passes unchanged. */
const maxDepth = 128;

// What the next byte belongs to.
const starting = 0;
const outside = 1;
const afterValueState = 2;
const beforeValue = 3;
const beforeElement = 4; // like beforeValue, or at the array's end
const beforeKey = 5;
const beforeFirstKey = 6; // like beforeKey, or at the object's end
const beforeColon = 7;
const inString = 8;
const inKey = 9; // a key with escapes, or cut off by a chunk's end
const inLink = 10; // a link with escapes, or cut off by a chunk's end, or a page's link
const inRelation = 11; // under a `link`: its relation
const tooDeep = 12;
const broken = 13;

// What a level of the stack holds.
const object = 1;
const underLink = 2;
const underResponse = 4;
const isSelf = 8;

const selfBytes = json.bytesOf('self');
const nothing = new Uint8Array(0);

/**
 * Makes the reader of one answer.
 * @param replace is told what of a chunk is replaced; without `by`, by the gateway's base
 */
export const createTokenReader = (
  decider: LinkDecider,
  replace: (from: number, to: number, by?: Uint8Array) => void,
): TokenReader => {
  const key = json.createPrefixReader(keys.longestKey + 1);
  const relation = json.createPrefixReader(selfBytes.length + 1);
  let state = starting;
  /** The kind of the current value's key; `otherKey` in arrays. */
  let kind = keys.otherKey;
  /** The link that `inLink` reads. */
  let slow: SlowLink = decider.link;
  /** One entry per open level; the bottom entry is outside. */
  const stack = new Uint8Array(maxDepth + 1);
  let depth = 0;
  let excessDepth = 0;
  let afterString = afterValueState;
  let escaped = false;

  /** The kind of a key at the current place. */
  const kindHere = (raw: number): number => {
    const level = stack[depth]!;
    if (raw === keys.urlKey) {
      if ((level & underLink) === 0) return keys.maybeBinary;
      return !decider.sealsPages || level & isSelf ? keys.linkedKey : keys.pageKey;
    }
    if (raw === keys.relationKey) return level & underLink ? raw : keys.otherKey;
    if (raw === keys.locationKey) return level & underResponse ? keys.linkedKey : keys.otherKey;
    return raw;
  };

  /** Continues after a value, at `at`. */
  const afterValue = (at: number): number => {
    kind = keys.otherKey;
    state = depth > 0 ? afterValueState : outside;
    return at;
  };

  const open = (isObject: boolean): void => {
    if (depth === maxDepth) {
      excessDepth = 1;
      state = tooDeep;
      return;
    }
    const parent = stack[depth]!;
    let level = isObject ? object : 0;
    if (kind === keys.linkKey || (parent & object) === 0)
      level |= kind === keys.linkKey ? underLink : parent & underLink;
    if (kind === keys.responseKey && isObject) level |= underResponse;
    stack[++depth] = level;
    kind = keys.otherKey;
    state = isObject ? beforeFirstKey : beforeElement;
  };

  const close = (isObject: boolean, at: number): number => {
    if (((stack[depth]! & object) !== 0) !== isObject) {
      state = broken;
      return at;
    }
    depth--;
    return afterValue(at);
  };

  /** Reads a key whose first byte is at `at`. */
  const readKey = (chunk: Buffer, at: number): number => {
    let end = at;
    let byte = 0;
    while (end < chunk.length && (byte = chunk[end]!) !== json.quoteByte && byte !== json.backslashByte) end++;
    if (byte === json.quoteByte) {
      kind = kindHere(keys.kindAt(chunk, at, end - at));
      state = beforeColon;
      return end + 1;
    }
    key.reset();
    state = inKey;
    return at;
  };

  /** Starts the value whose first byte is at `at`. */
  const startValue = (chunk: Buffer, at: number): number => {
    const byte = chunk[at]!;
    const next = at + 1;
    if (kind === keys.relationKey) stack[depth]! &= ~isSelf;
    if (byte === json.quoteByte) return startString(chunk, next);
    if (byte === json.openObject || byte === json.openArray) {
      if (depth === 0 && kind !== keys.linkKey && kind !== keys.responseKey) return afterValue(next);
      open(byte === json.openObject);
      return next;
    }
    if (byte === json.closeArray && state === beforeElement) return close(false, next);
    if (json.startsScalar[byte] === 1) return afterValue(next);
    state = broken;
    return next;
  };

  /** Starts a string value whose first byte is at `at`. */
  const startString = (chunk: Buffer, at: number): number => {
    afterString = afterValueState;
    state = inString;
    if (kind === keys.linkedKey || kind === keys.maybeBinary) {
      const length = decider.decideInPlace(chunk, at, kind);
      if (length === undecided) return startSlowLink(decider.link, at);
      if (length > 0) replace(at, at + length);
      // Outside, the rest of the string can be left to the search.
      return depth > 0 ? at : afterValue(at);
    }
    if (kind === keys.pageKey) return startSlowLink(decider.page, at);
    if (kind === keys.relationKey) {
      relation.reset();
      state = inRelation;
    }
    return at;
  };

  const startSlowLink = (link: SlowLink, at: number): number => {
    slow = link;
    slow.reset();
    state = inLink;
    return at;
  };

  /** Continues after the comma, or closes the object or array that the value was in. */
  const endValue = (byte: number, next: number): number => {
    if (byte === json.closeObject || byte === json.closeArray) return close(byte === json.closeObject, next);
    state = byte !== json.comma ? broken : stack[depth]! & object ? beforeKey : beforeValue;
    return next;
  };

  const read = (chunk: Buffer, start: number): number => {
    const length = chunk.length;
    let i = start;
    while (i < length && state !== outside) {
      switch (state) {
        case starting:
          while (i < length && json.beforeJson[chunk[i]!] === 1) i++;
          if (i === length) break;
          if (chunk[i] === json.openObject || chunk[i] === json.openArray) i = afterValue(i + 1);
          else state = broken;
          break;

        case beforeColon:
          while (i < length && chunk[i]! <= json.space) i++;
          if (i === length) break;
          if (chunk[i] === json.colonByte) {
            state = beforeValue;
            i++;
          } else if (depth === 0) {
            i = afterValue(i); // It was a value that looks like a key.
          } else {
            state = broken;
          }
          break;

        case beforeValue:
        case beforeElement:
          while (i < length && chunk[i]! <= json.space) i++;
          if (i < length) i = startValue(chunk, i);
          break;

        case afterValueState:
          while (i < length && json.structural[chunk[i]!] === 0) i++;
          if (i < length) i = endValue(chunk[i]!, i + 1);
          break;

        case beforeKey:
        case beforeFirstKey:
          while (i < length && chunk[i]! <= json.space) i++;
          if (i === length) break;
          if (chunk[i] === json.quoteByte) i = readKey(chunk, i + 1);
          else if (chunk[i] === json.closeObject && state === beforeFirstKey) i = close(true, i + 1);
          else state = broken;
          break;

        case inKey:
          i = key.read(chunk, i);
          if (i === length && !key.isFull()) break;
          kind = kindHere(keys.kindAt(key.decoded, 0, key.length()));
          afterString = beforeColon;
          state = inString;
          break;

        case inString: {
          if (escaped) i++;
          const from = i;
          i = json.endOfString(chunk, from);
          escaped = i === length && json.endsInEscape(chunk, from);
          if (i === length) break;
          i++;
          if (afterString === afterValueState) afterValue(i);
          else state = afterString;
          break;
        }

        case inLink: {
          const began = i;
          i = slow.read(chunk, began);
          if (i === length && !slow.isFull()) return began;
          const { raw, by } = slow.decide(kind);
          if (raw > 0) replace(began, began + raw, by);
          state = inString;
          break;
        }

        case inRelation:
          i = relation.read(chunk, i);
          if (i === length && !relation.isFull()) break;
          if (relation.length() === selfBytes.length && json.hasAt(relation.decoded, 0, selfBytes))
            stack[depth]! |= isSelf;
          state = inString;
          break;

        case tooDeep: {
          const byte = chunk[i++]!;
          if (byte === json.quoteByte) {
            afterString = tooDeep;
            state = inString;
          } else if (byte === json.openObject || byte === json.openArray) {
            excessDepth++;
          } else if ((byte === json.closeObject || byte === json.closeArray) && --excessDepth === 0) {
            afterValue(i);
          }
          break;
        }

        default: // broken
          return length;
      }
    }
    return i;
  };

  return {
    isOutside: () => state === outside,
    isBroken: () => state === broken,
    enter(found) {
      kind = found;
      state = beforeColon;
    },
    read,
    resume(chunk) {
      if (state !== inLink) return { before: nothing, start: 0 };
      const start = slow.read(chunk, 0);
      if (start === chunk.length && !slow.isFull()) return undefined;
      const { raw, by } = slow.decide(kind);
      state = inString;
      const bytes = slow.bytes();
      return { before: raw > 0 ? Buffer.concat([by, bytes.subarray(raw)]) : bytes, start };
    },
    stop() {
      const held = state === inLink ? slow.bytes() : nothing;
      state = broken;
      return held;
    },
  };
};
