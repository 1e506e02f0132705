import { backslashByte, bytesOf, colonByte, hasAt, matchingAt, questionMark, quoteByte, slash } from './json-bytes.ts';

export const binaryPath = bytesOf('/Binary');

/** The deciding bytes contain an escape: decode the link first. */
export const undecided = -1;

/** Whether `http://` or `https://`, in either case, stands at `at`. */
export const isAbsolute = (bytes: Uint8Array, at: number): boolean => {
  const letter = (offset: number) => bytes[at + offset]! | 0x20;
  if (letter(0) !== 0x68 || letter(1) !== 0x74 || letter(2) !== 0x74 || letter(3) !== 0x70) return false;
  const colon = letter(4) === 0x73 ? at + 5 : at + 4;
  return bytes[colon] === colonByte && bytes[colon + 1] === slash && bytes[colon + 2] === slash;
};

/**
 * Length of the base that a decoded link starts with, 0 for none. Its first `length` characters are known: the whole
 * link, or more than the longest base plus `/Binary`. Zeros follow; no base contains a zero.
 */
export const matchDecoded = (
  bases: readonly Uint8Array[],
  link: Uint8Array,
  length: number,
  onlyBinary: boolean,
): number => {
  for (const base of bases) {
    if (!hasAt(link, 0, base)) continue;
    let end = base.length;
    if (onlyBinary) {
      if (!hasAt(link, end, binaryPath)) continue;
      end += binaryPath.length;
    }
    if (end === length || link[end] === slash || link[end] === questionMark) return base.length;
  }
  return 0;
};

/** The same for a link in the source, if the chunk has all of its deciding bytes; else `undecided`. */
export const matchSource = (
  bases: readonly Uint8Array[],
  chunk: Uint8Array,
  at: number,
  onlyBinary: boolean,
): number => {
  for (const base of bases) {
    const same = matchingAt(chunk, at, base);
    let end = at + same;
    let matches = same === base.length;
    if (matches && onlyBinary) {
      const more = matchingAt(chunk, end, binaryPath);
      matches = more === binaryPath.length;
      end += more;
    }
    const next = chunk[end];
    if (next === backslashByte) return undecided;
    if (matches && (next === slash || next === questionMark || next === quoteByte)) return base.length;
  }
  return 0;
};

/** Whether the eight bytes where a link's scheme would be contain a backslash, which may follow a shorter link. */
export const hasEscapedScheme = (chunk: Uint8Array, at: number): boolean => {
  for (let i = at; i < at + 8; i++) if (chunk[i] === backslashByte) return true;
  return false;
};
