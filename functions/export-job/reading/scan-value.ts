import {
  backslashByte,
  closeArray,
  closeObject,
  colonByte,
  comma,
  endOfString,
  endsInEscape,
  openArray,
  openObject,
  quoteByte,
} from '../../shared/fhir/json-bytes.ts';
import { UnreadablePage } from './unreadable-page.ts';

/**
 * Finds where a JSON value ends, across chunks, and keeps its bytes without the white space between tokens. It checks
 * brackets and strings only, as it needs no more. Linear time; it holds no more bytes than it was told to keep.
 */
export interface ValueScanner {
  /** Starts the next value. @param mostBytes the most bytes to keep; 0 for a value that is not needed */
  readonly begin: (mostBytes: number) => void;
  /** Reads on, and returns the index where it stopped: just after the value, or the chunk's end. */
  readonly read: (chunk: Buffer, at: number) => number;
  readonly isDone: () => boolean;
  /** The bytes kept, as a view that the next value overwrites. Of a value that is too large, only the beginning. */
  readonly kept: () => Buffer;
  /** Whether the value had more bytes than it was told to keep. */
  readonly isTooLarge: () => boolean;
  /** How many levels deep its objects and arrays are nested. */
  readonly depth: () => number;
  /** How many members its objects have. A repeated member counts each time. */
  readonly members: () => number;
}

const ordinary = 0;
const quote = 1;
const opening = 2;
const closing = 3;
const white = 4;
const colon = 5;
const separator = 6;

const kinds = new Uint8Array(256);
for (const [kind, bytes] of [
  [quote, [quoteByte]],
  [opening, [openObject, openArray]],
  [closing, [closeObject, closeArray]],
  [white, [0x20, 0x09, 0x0a, 0x0d]],
  [colon, [colonByte]],
  [separator, [comma]],
] as const) {
  for (const byte of bytes) kinds[byte] = kind;
}

/** @param held memory for the bytes of one value at a time */
export const createValueScanner = (held: Buffer): ValueScanner => {
  let heldLength = 0;
  let mostBytes = 0;
  let isTooLarge = false;
  let isStarted = false;
  let isDone = false;
  let isInString = false;
  let isEscaped = false;
  let depth = 0;
  let deepest = 0;
  let members = 0;

  const keep = (chunk: Buffer, from: number, to: number): void => {
    if (mostBytes === 0 || isTooLarge || from === to) return;
    const room = mostBytes - heldLength;
    if (to - from > room) isTooLarge = true;
    const end = Math.min(to, from + room);
    heldLength += chunk.copy(held, heldLength, from, end);
  };

  /** Checks the value's first byte. @throws UnreadablePage if no value starts with it */
  const start = (byte: number): void => {
    const kind = kinds[byte]!;
    if (kind !== ordinary && kind !== quote && kind !== opening) throw new UnreadablePage('notJson');
    isStarted = true;
  };

  /** Reads on inside a string. Returns the index just after its closing quote, or the chunk's end. */
  const readString = (chunk: Buffer, at: number): number => {
    const from = isEscaped ? at + 1 : at;
    isEscaped = false;
    const end = endOfString(chunk, from);
    if (end < chunk.length) {
      isInString = false;
      return end + 1;
    }
    isEscaped = chunk[chunk.length - 1] === backslashByte && endsInEscape(chunk, from);
    return chunk.length;
  };

  return {
    begin(most) {
      mostBytes = Math.min(most, held.length);
      heldLength = depth = deepest = members = 0;
      isTooLarge = isStarted = isDone = isInString = isEscaped = false;
    },

    read(chunk, at) {
      const { length } = chunk;
      let from = at;
      let i = at;
      if (!isStarted && i < length) start(chunk[i]!);
      while (i < length) {
        if (isInString) {
          i = readString(chunk, i);
          if (isInString || depth > 0) continue;
          isDone = true;
          break;
        }
        const kind = kinds[chunk[i]!]!;
        if (kind === ordinary) {
          i++;
        } else if (kind === quote) {
          isInString = true;
          i++;
        } else if (kind === opening) {
          if (++depth > deepest) deepest = depth;
          i++;
        } else if (depth === 0) {
          // Only the byte that follows a number or a literal shows that it has ended.
          isDone = true;
          break;
        } else if (kind === closing) {
          i++;
          if (--depth > 0) continue;
          isDone = true;
          break;
        } else if (kind === white) {
          keep(chunk, from, i);
          while (i < length && kinds[chunk[i]!] === white) i++;
          from = i;
        } else {
          if (kind === colon) members++;
          i++;
        }
      }
      keep(chunk, from, i);
      return i;
    },

    isDone: () => isDone,
    kept: () => held.subarray(0, heldLength),
    isTooLarge: () => isTooLarge,
    depth: () => deepest,
    members: () => members,
  };
};
