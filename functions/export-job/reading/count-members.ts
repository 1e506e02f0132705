import * as json from '../../shared/json/bytes.ts';

const { quoteByte: quote, backslashByte: backslash } = json;
const colon = ':'.charCodeAt(0);
const closeArray = ']'.charCodeAt(0);

/** The end of a string is searched for in a loop for this many characters: for short strings, that is faster than `indexOf`. */
const shortCharacters = 16;

/** The index of the quote that closes the string; the text's length if there is none. */
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
 * Counts the members of all objects in a JSON text, including repeated names, by counting the colons outside strings. It does not
 * check that the text is JSON.
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
