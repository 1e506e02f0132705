/**
 * Names that members read. A member must not mistake one payer or partner for another, and Unicode has thousands of letters that look
 * like others (UTS #39). So names may have only the letters of English and Spanish, the languages of our pages, and two names count
 * as one if a reader in a hurry cannot tell them apart.
 */
import { givenName, type Rule } from './rules.ts';

/** ASCII and typographic signs that do not look like letters. The last is the okina of Hawaiian names. */
const plain = /^[\x20-\x7e‘’“”–—…·•©®™℠ʻ]$/;

/** Whether a character is one of these, or a letter from A to Z with accents. */
const isPlain = (character: string): boolean =>
  plain.test(character) || /^[A-Za-z]\p{M}+$/u.test(character.normalize('NFD'));

const codePoint = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;

/** A name that our pages show: of a payer, a partner or an operator. */
export const shownName: Rule = (value) => {
  const problem = givenName(value);
  if (problem !== undefined) return problem;
  // A letter and its accent may come as two characters.
  const strange = Array.from(value.normalize('NFC')).find((character) => !isPlain(character));
  return strange === undefined
    ? undefined
    : `has ${JSON.stringify(strange)} (${codePoint(strange)}), which may look like something else; write names in the letters A to Z, with accents or without`;
};

/** The plain form of a character, or an empty string if it has none. */
const written = (character: string): string => {
  const usual = /^[\p{Pd}−]$/u.test(character) ? '-' : character.normalize('NFKC');
  return Array.from(usual).every(isPlain) ? usual : '';
};

/**
 * The nearest name that pages may show. Every dash becomes a hyphen, and unusual spaces and wide letters become the usual ones. Other
 * characters that {@link shownName} refuses are left out. Undefined if no letter or digit remains.
 */
export const nearestName = (value: string): string | undefined => {
  const spaced = value.normalize('NFC').replaceAll(/\s+/g, ' ');
  const near = Array.from(spaced, (one) => (isPlain(one) ? one : written(one)))
    .join('')
    .replaceAll(/ +/g, ' ')
    .trim();
  return /[\p{L}\p{N}]/u.test(near) && shownName(near) === undefined ? near : undefined;
};

/** Letters and digits that look alike (UTS #39, confusables.txt), in lower case. */
const lookAlikes: readonly (readonly [RegExp, string])[] = [
  [/[1i|]/g, 'l'],
  [/0/g, 'o'],
  [/rn/g, 'm'],
  [/vv/g, 'w'],
];

/** A name without what a hurried reader overlooks: accents, letter case, width, spaces and punctuation. Names that look alike give the same text. */
export const nameAsRead = (name: string): string =>
  lookAlikes.reduce(
    (read, [alike, one]) => read.replaceAll(alike, one),
    // The okina looks like a quotation mark, and goes. The bar looks like a letter, and stays.
    name
      .replaceAll(/[™℠ʻ]/g, '')
      .normalize('NFKD')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}+&|]/gu, ''),
  );
