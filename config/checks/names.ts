/**
 * Names that members read. Two payers, or two partners, must never be taken for one another, and Unicode has thousands of letters
 * that look like others (UTS #39). So names have the letters of our pages' languages, English and Spanish, and are compared as
 * somebody reads them who is in a hurry.
 */
import { givenName, type Rule } from './rules.ts';

/** ASCII, and the signs of print, none of which looks like a letter. The last is the okina, which Hawaiian names have. */
const plain = /^[\x20-\x7e‘’“”–—…·•©®™℠ʻ]$/;

/** Whether a character is one of these, or a letter from A to Z with its accents. */
const isPlain = (character: string): boolean =>
  plain.test(character) || /^[A-Za-z]\p{M}+$/u.test(character.normalize('NFD'));

const codePoint = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;

/** The name of a payer, a partner or an operator, or another name of one, as our pages show it. */
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
 * The nearest name that pages may show: odd dashes are hyphens, odd spaces and wide letters the usual ones,
 * and any other character that {@link shownName} refuses is left out. Undefined if no letter or digit remains.
 */
export const nearestName = (value: string): string | undefined => {
  const spaced = value.normalize('NFC').replaceAll(/\s+/g, ' ');
  const near = Array.from(spaced, (one) => (isPlain(one) ? one : written(one)))
    .join('')
    .replaceAll(/ +/g, ' ')
    .trim();
  return /[\p{L}\p{N}]/u.test(near) && shownName(near) === undefined ? near : undefined;
};

/** What looks alike among letters and digits (UTS #39, confusables.txt), in small letters. */
const lookAlikes: readonly (readonly [RegExp, string])[] = [
  [/[1i|]/g, 'l'],
  [/0/g, 'o'],
  [/rn/g, 'm'],
  [/vv/g, 'w'],
];

/** A name as people read it: without accents, letter case, width, spaces and punctuation. Names that look alike give the same. */
export const nameAsRead = (name: string): string =>
  lookAlikes.reduce(
    (read, [alike, one]) => read.replaceAll(alike, one),
    // The bar and the okina look like a letter and a quotation mark.
    name
      .replaceAll(/[™℠ʻ]/g, '')
      .normalize('NFKD')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}+&|]/gu, ''),
  );
