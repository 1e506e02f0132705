/**
 * What a name may not have, and what a terminal may not get. Unicode's own properties, so that nothing has to be listed:
 * controls (Cc), formats (Cf: what turns the direction of writing, UAX #9, and what has no width), lone surrogates,
 * line and paragraph separators, and what a font may leave out (Default_Ignorable_Code_Point, UAX #44).
 */
const unseenIn = String.raw`\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}`;

/** Also what has no meaning yet or only a private one, and spaces that look like the usual one. */
const oddIn = String.raw`${unseenIn}\p{Cn}\p{Co}`;
const odd = new RegExp(String.raw`[${oddIn}]|(?! )\p{Zs}`, 'gu');
const unseen = new RegExp(`[${unseenIn}]`, 'u');
/** What a line of text is made of stays. */
const unsafe = new RegExp(String.raw`(?!\r\n|[\t\n])[${unseenIn}]`, 'gu');

/** As JSON and TypeScript write it, so that JSON stays the same JSON. */
const escaped = (character: string): string =>
  character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');

/** A text from elsewhere as one line that shows everything that is in it. */
export const visibleLine = (value: string): string => value.replaceAll(odd, escaped);

/** Text of several lines for a terminal, which it cannot turn, erase or color. */
export const visibleText = (value: string): string => value.replaceAll(unsafe, escaped);

/** The first character that no reader sees, such as `U+202E`. */
export const unseenCharacter = (value: string): string | undefined => {
  const point = unseen.exec(value)?.[0].codePointAt(0);
  return point === undefined ? undefined : `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
};
