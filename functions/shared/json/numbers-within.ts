/** A string with the colon after it, if it is a name; a bracket; or a number. */
const parts = /"(?:[^"\\]|\\.)*"(?<colon>\s*:)?|[{}[\]]|(?<number>-?\d[^\s,\]}]*)/g;

/**
 * The numbers in a member of a JSON text, however deep, as they are written: a parser may have rounded them.
 * @param text what JSON's parser has accepted
 * @param path the names that lead to the member, through objects only
 */
export const numbersWithin = (text: string, path: readonly string[]): string[] => {
  const names: (string | undefined)[] = [];
  const numbers: string[] = [];
  for (const { 0: part, groups } of text.matchAll(parts)) {
    const { colon, number } = groups ?? {};
    if (part === '{' || part === '[') names.push(undefined);
    else if (part === '}' || part === ']') names.pop();
    else if (colon !== undefined) names[names.length - 1] = JSON.parse(part.slice(0, -colon.length)) as string;
    else if (number !== undefined && path.every((name, level) => names[level] === name)) numbers.push(number);
  }
  return numbers;
};
