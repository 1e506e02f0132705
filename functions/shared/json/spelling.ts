import { backslashByte, letterU } from './bytes.ts';

/*
 * Strings as they are spelled in JSON, between their quotes. Here a character is a byte or an escape.
 */

/** The beginning of a string. */
export interface Beginning {
  /** The spelling, with one character for each byte. */
  readonly spelling: () => string;
  /** Takes what is between `from` and `to`, and returns where it stopped: at `to`, or when it is full. */
  readonly add: (chunk: Uint8Array, characters: string, from: number, to: number) => number;
  readonly isFull: () => boolean;
}

/** Collects the beginning of a string that comes in parts. @param most how many characters */
export const collectBeginning = (most: number): Beginning => {
  let spelling = '';
  let collected = 0;
  /** 1 after a backslash, 2 to 5 in the four digits of `\u`. */
  let escape = 0;
  return {
    spelling: () => spelling,
    add(chunk, characters, from, to) {
      let at = from;
      for (; at < to && collected < most; at++) {
        if (escape === 0 && chunk[at] === backslashByte) escape = 1;
        else if (escape === 1 && chunk[at] === letterU) escape = 2;
        else if (escape >= 2 && escape < 5) escape++;
        else {
          escape = 0;
          collected++;
        }
      }
      spelling += characters.slice(from, at);
      return at;
    },
    isFull: () => collected === most,
  };
};

/** An escape that JSON has. A test is much cheaper than an error of the parser. */
const spelledEscape = /^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})$/;

/** Decodes a character. One that no URL contains becomes `ÿ`: quotes, characters beyond ASCII, and escapes that JSON does not have. */
const decode = (unit: string): string => {
  if (unit.length > 1 && !spelledEscape.test(unit)) return '\xff';
  const decoded = unit.length === 1 ? unit : (JSON.parse(`"${unit}"`) as string);
  return decoded <= '\x7f' && decoded !== '"' ? decoded : '\xff';
};

/** The characters that mean themselves: ASCII without quotes and backslashes. */
const plain = /^[\0-!#-[\]-\x7f]*$/;

/** The beginning of a string, decoded. */
export interface Decoded {
  readonly text: string;
  /** Where in the spelling the first `length` characters of the text end. */
  readonly endOf: (length: number) => number;
}

/** Decodes at most `most` characters. */
export const decodeBeginning = (spelling: string, most: number): Decoded => {
  const beginning = spelling.slice(0, most);
  if (plain.test(beginning)) return { text: beginning, endOf: (length) => length };
  const units = (spelling.slice(0, most * 6).match(/\\u[^]{0,4}|\\[^]?|[^]/g) ?? []).slice(0, most);
  return { text: units.map(decode).join(''), endOf: (length) => units.slice(0, length).join('').length };
};
