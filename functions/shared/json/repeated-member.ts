/** A string with the colon after it, if it is a name, or a bracket. */
const parts = /"(?:[^"\\]|\\.)*"(?<colon>\s*:)?|[{}[\]]/g;

/**
 * The first member that an object of a JSON text has twice; undefined if there is none. Parsers differ in which of the two
 * they take.
 * @param text what JSON's parser has accepted
 * @param counts the names that matter
 */
export const repeatedMember = (text: string, counts: (name: string) => boolean = () => true): string | undefined => {
  const open: (Set<string> | undefined)[] = [];
  for (const { 0: part, groups } of text.matchAll(parts)) {
    const colon = groups?.['colon'];
    if (part === '{') open.push(new Set());
    else if (part === '[') open.push(undefined);
    else if (part === '}' || part === ']') open.pop();
    else if (colon !== undefined) {
      const name = JSON.parse(part.slice(0, -colon.length)) as string;
      const seen = open.at(-1);
      if (seen?.has(name) === true && counts(name)) return name;
      seen?.add(name);
    }
  }
  return undefined;
};

/**
 * Parses JSON in which no object has a member twice: nobody can tell which of two counts.
 * @returns undefined for any other text
 */
export const parseOnceEach = (text: string): unknown => {
  try {
    const value: unknown = JSON.parse(text);
    return repeatedMember(text) === undefined ? value : undefined;
  } catch {
    // The parser's message would quote the text.
    return undefined;
  }
};
