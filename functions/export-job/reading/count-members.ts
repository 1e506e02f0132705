import * as json from '../../shared/json/bytes.ts';

const { quoteByte: quote, backslashByte: backslash } = json;
const colon = ':'.charCodeAt(0);
const closeArray = ']'.charCodeAt(0);

/** For this many characters the end of a string is looked for in a loop, which is faster than a short search. */
const shortCharacters = 16;

/** The closing quote of the string that begins at `from`; else the text's length. */
const endOfString = (text: string, from: number, hasEscapes: boolean): number => {
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === quote) return at;
    if (unit === backslash) at++;
    else if (!hasEscapes && at === from + shortCharacters) {
      const end = text.indexOf('"', at);
      return end < 0 ? text.length : end;
    }
  }
  return text.length;
};

/**
 * Counts the members of a text's objects, repeated ones included: the colons outside of its strings. It holds for JSON only, which
 * it does not check.
 * @returns undefined if there is white space between tokens, or if objects and arrays are nested deeper than `mostLevels`
 */
export const countMembers = (text: string, mostLevels: number): number | undefined => {
  const hasEscapes = text.includes('\\');
  let members = 0;
  let level = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === quote) at = endOfString(text, at + 1, hasEscapes);
    else if (unit === colon) members++;
    else if (unit === json.openObject || unit === json.openArray) {
      level++;
      if (level > mostLevels) return undefined;
    } else if (unit === json.closeObject || unit === closeArray) level--;
    else if (unit <= json.space) return undefined;
  }
  return members;
};
