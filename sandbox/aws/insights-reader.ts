/** The query uses a part of the language that this reader does not support. */
export class UnreadableQuery extends Error {}

const space = /(?:\s|#[^\n]*)*/y;

/** What a query is made of. A slash is a division or begins a pattern, which only the grammar knows. */
const kinds = {
  text: /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/y,
  pattern: /\/(?:[^/\\\n]|\\.)+\//y,
  /** Other names than these are in backticks. */
  word: /[@A-Za-z_][\w.@]*|`[^`]+`/y,
  number: /\d+(?:\.\d+)?/y,
  /** Of a call. */
  end: /\)/y,
  /** As in `bin(5m)`. */
  duration: /\d+(?:ms|s|m|h|d|w|mo|q|y)\b/y,
  sign: /!=|=~|<=|>=|[()[\],|=*/%^+<>-]/y,
} as const;

/** A word that begins a command is a field's name only in backticks. */
const commandWords = new Set(
  'anomaly dedup diff display fields filter filterIndex join limit lookup parse pattern sort SOURCE stats unmask unnest where'.split(
    ' ',
  ),
);

/** Reads tokens one after the other; each part throws if the next token is another. */
export interface Reader {
  /** Takes the next token if it is this word or sign. */
  readonly takes: (text: string) => boolean;
  readonly require: (text: string) => void;
  readonly field: () => string;
  readonly text: () => string;
  readonly pattern: () => RegExp;
  readonly number: () => number;
  readonly duration: () => string;
  /** Whether the next token is of a kind. */
  readonly isAt: (kind: keyof typeof kinds) => boolean;
  /** The text that was read since a position. */
  readonly since: (at: number) => string;
  readonly at: () => number;
  readonly isAtEnd: () => boolean;
  readonly fail: () => never;
}

/** A reader of a query's text. @throws UnreadableQuery */
export const readerOf = (query: string): Reader => {
  let next = 0;
  const find = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = next;
    return pattern.exec(query)?.[0];
  };
  const skip = (): void => void (next += find(space)?.length ?? 0);
  const fail = (): never => {
    const [found] = query.slice(next).split(/\s/);
    throw new UnreadableQuery(
      found === '' ? 'unexpected end of the query' : `unexpected symbol found ${found} at position ${next}`,
    );
  };
  const take = (kind: keyof typeof kinds): string => {
    const found = find(kinds[kind]) ?? fail();
    next += found.length;
    skip();
    return found;
  };
  const takes = (text: string): boolean => {
    const isIt = [kinds.word, kinds.sign].some((kind) => find(kind) === text);
    if (isIt) {
      next += text.length;
      skip();
    }
    return isIt;
  };
  skip();
  return {
    takes,
    require: (text) => {
      if (!takes(text)) fail();
    },
    field: () => {
      if (commandWords.has(find(kinds.word) ?? '')) fail();
      return take('word').replaceAll('`', '');
    },
    text: () => take('text').slice(1, -1).replaceAll(/\\(.)/g, '$1'),
    pattern: () => new RegExp(take('pattern').slice(1, -1)),
    number: () => Number(take('number')),
    duration: () => take('duration'),
    isAt: (kind) => find(kinds[kind]) !== undefined,
    since: (at) => query.slice(at, next).trim(),
    at: () => next,
    isAtEnd: () => next === query.length,
    fail,
  };
};

/** Reads what is separated by commas. */
export const listOf = <Item>(reader: Reader, read: () => Item): Item[] => {
  const values = [read()];
  while (reader.takes(',')) values.push(read());
  return values;
};
