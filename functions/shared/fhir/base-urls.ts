import { BACKSLASH, bytesOf, COLON, hasAt, matchingAt, QUESTION_MARK, QUOTE, SLASH } from './json-bytes.ts';

export const BINARY = bytesOf('/Binary');

/** An escape stands where it matters: the link has to be decoded first. */
export const UNDECIDED = -1;

/** Whether `http://` or `https://`, in either case, stands at `at`. */
export function isAbsolute(bytes: Uint8Array, at: number): boolean {
  const letter = (offset: number) => bytes[at + offset]! | 0x20;
  if (letter(0) !== 0x68 || letter(1) !== 0x74 || letter(2) !== 0x74 || letter(3) !== 0x70) return false;
  const colon = letter(4) === 0x73 ? at + 5 : at + 4;
  return bytes[colon] === COLON && bytes[colon + 1] === SLASH && bytes[colon + 2] === SLASH;
}

/**
 * Length of the base that a decoded link starts with, 0 for none. Its first `length` characters are known: all of it, or
 * more than the longest base and `/Binary`. Zeros follow them, which are in no base.
 */
export function matchDecoded(
  bases: readonly Uint8Array[],
  link: Uint8Array,
  length: number,
  onlyBinary: boolean,
): number {
  for (const base of bases) {
    if (!hasAt(link, 0, base)) continue;
    let end = base.length;
    if (onlyBinary) {
      if (!hasAt(link, end, BINARY)) continue;
      end += BINARY.length;
    }
    if (end === length || link[end] === SLASH || link[end] === QUESTION_MARK) return base.length;
  }
  return 0;
}

/** The same for a link as it stands in the source, all of whose deciding bytes are in the chunk; or `UNDECIDED`. */
export function matchSource(bases: readonly Uint8Array[], chunk: Uint8Array, at: number, onlyBinary: boolean): number {
  for (const base of bases) {
    const same = matchingAt(chunk, at, base);
    let end = at + same;
    let matches = same === base.length;
    if (matches && onlyBinary) {
      const more = matchingAt(chunk, end, BINARY);
      matches = more === BINARY.length;
      end += more;
    }
    const next = chunk[end];
    if (next === BACKSLASH) return UNDECIDED;
    if (matches && (next === SLASH || next === QUESTION_MARK || next === QUOTE)) return base.length;
  }
  return 0;
}

/** Whether a backslash stands in the eight bytes where a link's scheme would be: perhaps behind a shorter link. */
export function hasEscapedScheme(chunk: Uint8Array, at: number): boolean {
  for (let i = at; i < at + 8; i++) if (chunk[i] === BACKSLASH) return true;
  return false;
}
