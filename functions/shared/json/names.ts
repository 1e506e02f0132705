import { hasAt } from './bytes.ts';

/** Names of members that are sought, each with a number above 0. Several may share one. */
export interface Names {
  readonly numbers: ReadonlyMap<string, number>;
  readonly spellings: readonly { readonly name: Uint8Array; readonly number: number }[];
  /** 1 for the length and the first byte of each, which rule out most names of a document. */
  readonly beginnings: Uint8Array;
}

/** The longest spelling of a name, in bytes: seventeen letters, each as `\u0061`. */
export const longestSpelling = 102;

const beginning = (length: number, first: number): number => length * 256 + first;

/** @param numbers the number for each name. A name has at most seventeen ASCII letters, underscores and hyphens. */
export const namesOf = (numbers: Readonly<Record<string, number>>): Names => {
  const spellings = Object.entries(numbers).map(([name, number]) => ({ name: Buffer.from(name), number }));
  const beginnings = new Uint8Array(beginning(longestSpelling + 1, 0));
  for (const { name } of spellings) beginnings[beginning(name.length, name[0]!)] = 1;
  return { numbers: new Map(Object.entries(numbers)), spellings, beginnings };
};

/** Every spelling of a name that may be sought. A test is much cheaper than an error of the parser. */
const spelled = /^(?:[\w-]|\\u[0-9a-fA-F]{4})+$/;

/** The number of a name in any spelling; 0 for any other. */
export const numberOf = ({ numbers }: Names, spelling: string): number =>
  spelling.length <= longestSpelling && spelled.test(spelling)
    ? (numbers.get(JSON.parse(`"${spelling}"`) as string) ?? 0)
    : 0;

/** The same for a name without escapes that is between `from` and `to`. */
export const numberAt = ({ spellings, beginnings }: Names, chunk: Uint8Array, from: number, to: number): number => {
  const length = to - from;
  if (length > longestSpelling || beginnings[beginning(length, chunk[from]!)] === 0) return 0;
  for (const { name, number } of spellings) if (name.length === length && hasAt(chunk, from, name)) return number;
  return 0;
};
