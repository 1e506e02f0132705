/** The query uses a part of the language that this reader does not support. */
export class UnreadableQuery extends Error {}

const tokens = /\s*(?:("(?:[^"\\]|\\.)*")|(\/(?:[^/\\]|\\.)+\/)|([A-Za-z_]\w*)|(\d+)|([()[\],|=*]))/y;

interface Token {
  readonly kind: 'text' | 'pattern' | 'word' | 'number' | 'sign';
  readonly text: string;
  readonly at: number;
}

const kinds = ['text', 'pattern', 'word', 'number', 'sign'] as const;

const tokensOf = (query: string): Token[] => {
  const found: Token[] = [];
  tokens.lastIndex = 0;
  while (query.slice(tokens.lastIndex).trim() !== '') {
    const from = tokens.lastIndex;
    const groups = tokens.exec(query)?.slice(1);
    const at = groups?.findIndex((group) => group !== undefined) ?? -1;
    const kind = kinds[at];
    if (kind === undefined) throw new UnreadableQuery(`unexpected symbol found at position ${from}`);
    found.push({ kind, text: groups?.[at] ?? '', at: from });
  }
  return found;
};

/** Reads tokens one after the other; each part throws if the next token is another. */
export interface Reader {
  /** Takes the next token if it is this word or sign. */
  readonly takes: (text: string) => boolean;
  readonly require: (text: string) => void;
  readonly field: () => string;
  readonly text: () => string;
  readonly pattern: () => RegExp;
  readonly number: () => number;
  readonly isAtEnd: () => boolean;
  readonly fail: () => never;
}

/** A reader of a query's text. @throws UnreadableQuery */
export const readerOf = (query: string): Reader => {
  const all = tokensOf(query);
  let next = 0;
  const fail = (): never => {
    const token = all[next];
    throw new UnreadableQuery(
      token === undefined
        ? 'unexpected end of the query'
        : `unexpected symbol found ${token.text} at position ${token.at}`,
    );
  };
  const take = (kind: Token['kind']): string => {
    const token = all[next];
    if (token?.kind !== kind) return fail();
    next += 1;
    return token.text;
  };
  const takes = (text: string): boolean => {
    const token = all[next];
    const isIt = token?.text === text && (token.kind === 'word' || token.kind === 'sign');
    if (isIt) next += 1;
    return isIt;
  };
  return {
    takes,
    require: (text) => {
      if (!takes(text)) fail();
    },
    field: () => take('word'),
    text: () => JSON.parse(take('text')) as string,
    pattern: () => new RegExp(take('pattern').slice(1, -1)),
    number: () => Number(take('number')),
    isAtEnd: () => next === all.length,
    fail,
  };
};

/** Reads what is separated by commas. */
export const listOf = <Item>(reader: Reader, read: () => Item): Item[] => {
  const values = [read()];
  while (reader.takes(',')) values.push(read());
  return values;
};
