import { bytesOf, hasAt } from './json-bytes.ts';

/** The kinds of keys, by what they say about their value. */
export const otherKey = 0;
/** A link. */
export const linkedKey = 1;
/** A link only if it points to a Binary. */
export const maybeBinary = 2;
export const linkKey = 3;
export const responseKey = 4;
/** A link under `link`, else `maybeBinary`. */
export const urlKey = 5;
/** A link under `response`. */
export const locationKey = 6;
/** Under `link`: the link's relation. */
export const relationKey = 7;
/** A page's link, which is sealed. */
export const pageKey = 8;

const kinds = new Map<string, number>([
  ['url', urlKey],
  ['link', linkKey],
  ['fullUrl', linkedKey],
  ['location', locationKey],
  ['response', responseKey],
  ['reference', linkedKey],
  ['relation', relationKey],
]);
/** Keys that matter anywhere, so the search looks for them. */
const sought = [...kinds.keys()].filter((name) => kinds.get(name) !== relationKey);
export const longestKey = 9;

/** Our keys by length, which alone rules out most keys of a document. */
const keysByLength = Array.from({ length: longestKey + 1 }, (_, length) =>
  [...kinds].filter(([name]) => name.length === length).map(([name, kind]) => ({ name: bytesOf(name), kind })),
);

/** The kind of the key at `at`, `length` bytes without escapes. */
export const kindAt = (bytes: Uint8Array, at: number, length: number): number => {
  if (length > longestKey) return otherKey;
  for (const { name, kind } of keysByLength[length]!) if (hasAt(bytes, at, name)) return kind;
  return otherKey;
};

/** The kind of a key as spelled in the source, with quotes and escapes. */
export const kindOfSource = (source: string): number => kinds.get(JSON.parse(source) as string) ?? otherKey;

const spellings = (letter: string): string => {
  const hex = letter.charCodeAt(0).toString(16);
  return `(?:${letter}|\\\\u00${hex.replace(/[a-f]/, (digit) => `[${digit}${digit.toUpperCase()}]`)})`;
};

const ours = sought.join('|');
const followed = sought.filter((name) => kinds.get(name) === linkedKey).join('|');
const usualKeys = new Map<string | undefined, RegExp>();

/**
 * Our keys in their usual spelling. A key of a link also matches the link up to the end of the base, if that is spelled
 * as usual, so one call finds and compares both. Made once per base; callers set `lastIndex` first.
 */
export const usualKey = (base: string | undefined): RegExp => {
  const known = usualKeys.get(base);
  if (known !== undefined) return known;
  const literally = base?.replace(/[^\w:/-]/g, '\\$&');
  const pattern = new RegExp(
    `"(?:${literally === undefined ? '' : `(?:${followed})" ?: ?"${literally}(?=[/?"])|`}(?:${ours})")`,
    'g',
  );
  usualKeys.set(base, pattern);
  return pattern;
};

/** Our keys in every spelling that JSON allows, with letters as `\u0066`. */
export const spelledKey = new RegExp(`"(?:${sought.map((name) => name.replace(/./g, spellings)).join('|')})"`, 'g');

/** An escaped letter of our keys. Searching for `\u00` first is much cheaper. */
const escapedLetter = /\\u00(?:55|6[1-9a-fA-F]|7[0-5])/;
export const hasEscapedLetter = (text: string) => text.includes('\\u00') && escapedLetter.test(text);

/** Length of a key's longest spelling with its quotes, plus the byte before. */
export const keyReach = longestKey * 6 + 3;
