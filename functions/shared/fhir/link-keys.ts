import { bytesOf, hasAt } from './json-bytes.ts';

/** What a key says about its value. */
export const PLAIN = 0;
/** A link. */
export const FOLLOWED = 1;
/** A link if it points to a Binary. */
export const MAYBE_BINARY = 2;
export const LINK_KEY = 3;
export const RESPONSE_KEY = 4;
/** A link under `link`, else `MAYBE_BINARY`. */
export const URL_KEY = 5;
/** A link under `response`. */
export const LOCATION_KEY = 6;
/** Under `link`, what kind of link it is. */
export const RELATION_KEY = 7;
/** A page's link: sealed. */
export const PAGE = 8;

const KINDS = new Map<string, number>([
  ['url', URL_KEY],
  ['link', LINK_KEY],
  ['fullUrl', FOLLOWED],
  ['location', LOCATION_KEY],
  ['response', RESPONSE_KEY],
  ['reference', FOLLOWED],
  ['relation', RELATION_KEY],
]);
/** Keys that matter wherever they stand, and so are searched for. */
const SOUGHT = [...KINDS.keys()].filter((name) => KINDS.get(name) !== RELATION_KEY);
export const LONGEST_KEY = 9;

/** Which keys have this length: most keys of a document are told apart by it alone. */
const KEYS_BY_LENGTH = Array.from({ length: LONGEST_KEY + 1 }, (_, length) =>
  [...KINDS].filter(([name]) => name.length === length).map(([name, kind]) => ({ name: bytesOf(name), kind })),
);

/** The kind of the key whose `length` bytes, without escapes, stand at `at`. */
export function kindAt(bytes: Uint8Array, at: number, length: number): number {
  if (length > LONGEST_KEY) return PLAIN;
  for (const { name, kind } of KEYS_BY_LENGTH[length]!) if (hasAt(bytes, at, name)) return kind;
  return PLAIN;
}

/** The kind of a key as it is spelled in the source: with its quotes and escapes. */
export const kindOfSource = (source: string): number => KINDS.get(JSON.parse(source) as string) ?? PLAIN;

function spellings(letter: string): string {
  const hex = letter.charCodeAt(0).toString(16);
  return `(?:${letter}|\\\\u00${hex.replace(/[a-f]/, (digit) => `[${digit}${digit.toUpperCase()}]`)})`;
}

const ours = SOUGHT.join('|');
const followed = SOUGHT.filter((name) => KINDS.get(name) === FOLLOWED).join('|');
const usualKeys = new Map<string | undefined, RegExp>();

/**
 * Our keys as everybody writes them; a followed key together with its link up to the base's end, where that is written
 * as usual, so that one call finds and compares it. Made once for each base; its users set `lastIndex` first.
 */
export function usualKey(base: string | undefined): RegExp {
  const known = usualKeys.get(base);
  if (known !== undefined) return known;
  const literally = base?.replace(/[^\w:/-]/g, '\\$&');
  const pattern = new RegExp(
    `"(?:${literally === undefined ? '' : `(?:${followed})" ?: ?"${literally}(?=[/?"])|`}(?:${ours})")`,
    'g',
  );
  usualKeys.set(base, pattern);
  return pattern;
}

/** Our keys in all spellings that JSON allows: with letters as `\u0066`. */
export const spelledKey = new RegExp(`"(?:${SOUGHT.map((name) => name.replace(/./g, spellings)).join('|')})"`, 'g');

/** An escaped letter of our keys; `\u00` is looked for first because that is much cheaper. */
const ESCAPED_LETTER = /\\u00(?:55|6[1-9a-fA-F]|7[0-5])/;
export const hasEscapedLetter = (text: string) => text.includes('\\u00') && ESCAPED_LETTER.test(text);

/** Length of the longest spelling of a key with its quotes, and the byte before. */
export const KEY_REACH = LONGEST_KEY * 6 + 3;
