import * as json from './bytes.ts';
import { longestSpelling, numberAt, numberOf, type Names } from './names.ts';

/*
 * The one reader of JSON bytes. It finds the tokens of a document while its chunks arrive, in one pass, in linear time,
 * and without memory for each token. It is lenient: it says that a token is not where it belongs, and reads on. The
 * caller decides what follows from that.
 */

// What a byte begins. V8 reads constants faster if they are not exported.
const none = 0;
const text = 1;
const scalar = 2;
const gap = 3;
const colon = 4;
const comma = 5;
const opening = 6;
const closing = 7;

/** What `nextToken` returns. */
export const token = {
  /** The chunk has no more tokens. */
  none,
  /** A string: a value, or the name of a member. */
  text,
  /** A number, a literal, or bytes that are not JSON. */
  scalar,
  /** White space. */
  gap,
  /** `{` or `[`. */
  opening,
  /** `}` or `]`. */
  closing,
} as const;

const kinds = new Uint8Array(256).fill(scalar);
for (const [kind, spelled] of [
  [text, '"'],
  [gap, ' \t\r\n'],
  [colon, ':'],
  [comma, ','],
  [opening, '{['],
  [closing, '}]'],
] as const) {
  for (const byte of Buffer.from(spelled)) kinds[byte] = kind;
}

const { quoteByte: quote, backslashByte: backslash } = json;
const beginsScalar = json.tableOf('-0123456789tfn');
/** White space, and the bytes of a byte order mark. */
const beginsStream = json.tableOf(' \t\r\n\xef\xbb\xbf');

/** A token is where it does not belong. */
export const stray = 1;
/** A scalar does not begin like a number or a literal. */
const word = 2;

// What tokens are in: nothing, an object, an array, or brackets too deep to remember which.
const top = 0;
const object = 1;
const array = 2;
const unknown = 3;

/** How many levels are known as objects or arrays. Deeper ones are only counted. */
const knownLevels = 256;

// Sets of tokens that may follow, some by what they are in.
const any = (...all: readonly number[]): number => all.reduce((set, kind) => set | (1 << kind), 1 << gap);
const value = any(text, scalar, opening);
const end = any(comma, closing);
const afterValue = [value, end, end, end] as const;
const afterName = [value, any(colon), end, any(colon, comma, closing)] as const;
const afterComma = [value, any(text), value, value] as const;
const afterOpening = [0, any(text, closing), any(text, scalar, opening, closing)] as const;

/** For this many bytes the end of a string is looked for in a loop, which is faster than a short search. */
const shortBytes = 16;

/** The tokens of a stream. Each field is about the current one. */
export interface JsonTokens {
  chunk: Buffer;
  /** The chunk with one character for each byte (latin1), since V8 searches and compares strings fast. */
  characters: string;
  /** Where it is in the chunk, a string with its quotes. */
  start: number;
  end: number;
  /** A string or scalar that is cut by the end of a chunk comes in parts, of which the last may be empty. */
  isFirst: boolean;
  isLast: boolean;
  /** Whether it follows a colon. A string that does not may be a name. */
  isMember: boolean;
  /** The number of its name, if it is a member and has one of the names that are sought; else 0. */
  name: number;
  /** Of a string that is not cut: whether it has escapes. */
  hasEscapes: boolean;
  /** How many brackets are open around it; -1 for one that closes nothing. */
  level: number;
  /** `stray` or another number if something was wrong since the previous token; else 0. */
  fault: number;
  /** The names that are sought, if any. May be changed at an opening bracket, and at a closing one. */
  names: Names | undefined;
  /** If names are sought: whether all brackets are reported. May be changed at any time. */
  reportsBrackets: boolean;
  /** If names are sought: whether all strings that are values are reported. May be changed where names may. */
  reportsValues: boolean;
  readonly state: State;
}

/** For `nextToken` only. */
interface State {
  isStarted: boolean;
  depth: number;
  readonly containers: Uint8Array;
  /** Of the next token. */
  expected: number;
  isMember: boolean;
  name: number;
  /** The token that was cut by the end of the chunk, or `none`. */
  cut: number;
  isEscaped: boolean;
  /** The beginning of a cut string, which may be a name. */
  held: string;
  /** The first backslash that is not before the current token; the chunk's length if there is none. */
  nextBackslash: number;
}

/**
 * Begins a stream of JSON.
 * @param names if given, only the values of members with these names are reported, and what is in no brackets
 */
export const readTokens = (names?: Names): JsonTokens => ({
  chunk: Buffer.alloc(0),
  characters: '',
  start: 0,
  end: 0,
  isFirst: true,
  isLast: true,
  isMember: false,
  name: 0,
  hasEscapes: false,
  level: 0,
  fault: 0,
  names,
  reportsBrackets: false,
  reportsValues: false,
  state: {
    isStarted: false,
    depth: 0,
    containers: new Uint8Array(knownLevels + 1),
    expected: value,
    isMember: false,
    name: 0,
    cut: none,
    isEscaped: false,
    held: '',
    nextBackslash: -1,
  },
});

/** Begins another stream, in the same memory. */
export const beginAgain = ({ state }: JsonTokens): void => {
  state.isStarted = state.isMember = state.isEscaped = false;
  state.depth = state.name = 0;
  state.expected = value;
  state.cut = none;
  state.held = '';
};

/** Goes on to the next chunk, once the one before has no more tokens. */
export const takeChunk = (tokens: JsonTokens, chunk: Uint8Array): void => {
  tokens.chunk = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  tokens.characters = tokens.chunk.toString('latin1');
  tokens.start = tokens.end = 0;
  tokens.state.nextBackslash = -1;
};

/** The first quote from `from` on; else the chunk's length. */
const findQuote = (chunk: Buffer, characters: string, from: number): number => {
  const near = Math.min(from + shortBytes, chunk.length);
  let at = from;
  while (at < near && chunk[at] !== quote) at++;
  if (at < near) return at;
  const found = characters.indexOf('"', at);
  return found < 0 ? chunk.length : found;
};

/** The closing quote of the string that `from` is in; else the chunk's length, and one more if it ends in an open escape. */
const endOfText = (chunk: Buffer, characters: string, from: number): number => {
  for (let at = from; ;) {
    const stop = findQuote(chunk, characters, at);
    let backslashes = 0;
    while (stop - backslashes > at && chunk[stop - backslashes - 1] === backslash) backslashes++;
    if (backslashes % 2 === 0) return stop;
    at = stop + 1;
    if (at > chunk.length) return at;
  }
};

const endOfRun = (chunk: Buffer, from: number, kind: number): number => {
  let at = from;
  while (at < chunk.length && kinds[chunk[at]!] === kind) at++;
  return at;
};

/** Reads on in the token that the end of the chunk before has cut. */
const readOn = (tokens: JsonTokens): number => {
  const { chunk, characters, names, state } = tokens;
  const { cut } = state;
  const stop = cut === text ? endOfText(chunk, characters, state.isEscaped ? 1 : 0) : endOfRun(chunk, 0, cut);
  const to = Math.min(stop, chunk.length);
  tokens.isFirst = false;
  tokens.isLast = stop < chunk.length;
  tokens.end = tokens.isLast && cut === text ? to + 1 : to;
  state.isEscaped = stop > chunk.length;
  if (tokens.isLast) state.cut = none;
  if (names !== undefined && cut === text && !tokens.isMember) {
    if (state.held.length <= longestSpelling) state.held += characters.slice(0, to);
    if (tokens.isLast) state.name = numberOf(names, state.held);
  }
  return cut;
};

/** What the next token is in. */
const containerOf = ({ depth, containers }: State): number =>
  depth <= 0 ? top : depth > knownLevels ? unknown : containers[depth]!;

const open = (state: State, container: number): number => {
  state.depth++;
  if (state.depth <= knownLevels) state.containers[state.depth] = container;
  return containerOf(state);
};

/** Skips what may stand before the first token. */
const begin = (state: State, chunk: Buffer): number => {
  let at = 0;
  while (at < chunk.length && beginsStream[chunk[at]!] === 1) at++;
  state.isStarted = at < chunk.length;
  return at;
};

/** Makes a token that begins in this chunk the current one. @param expected what may follow */
const report = (
  tokens: JsonTokens,
  start: number,
  at: number,
  isMember: boolean,
  name: number,
  expected: number,
): void => {
  const { state } = tokens;
  tokens.start = start;
  tokens.end = at;
  tokens.isFirst = tokens.isLast = true;
  tokens.isMember = isMember;
  tokens.name = isMember ? name : 0;
  tokens.level = state.depth;
  state.expected = expected;
  state.isMember = false;
  state.name = 0;
};

/** The current token is not complete: the chunk ends. @param stop what `endOfText` returned */
const cutOff = (tokens: JsonTokens, kind: number, stop: number): void => {
  const { chunk, characters, state, start } = tokens;
  tokens.isLast = false;
  state.cut = kind;
  state.isEscaped = stop > chunk.length;
  state.held = characters.slice(start + 1);
};

/** Moves to the next token of the chunk, and returns what it is. */
export const nextToken = (tokens: JsonTokens): number => {
  const { chunk, characters, names, reportsValues, state } = tokens;
  const { length } = chunk;
  const reportsAll = names === undefined || state.depth === 0;
  tokens.fault = 0;
  if (state.cut !== none && tokens.end < length) {
    const cut = readOn(tokens);
    const isValue = reportsValues && cut === text && (tokens.isMember || containerOf(state) === array);
    if (reportsAll || tokens.name > 0 || isValue) return cut;
  }
  let at = state.isStarted ? tokens.end : begin(state, chunk);
  let container = containerOf(state);
  let { expected, isMember, name } = state;

  while (at < length) {
    const start = at;
    const byte = chunk[at++]!;
    const kind = kinds[byte]!;
    if (((expected >> kind) & 1) === 0) tokens.fault = stray;
    switch (kind) {
      case text: {
        if (state.nextBackslash < at) {
          const found = characters.indexOf('\\', at);
          state.nextBackslash = found < 0 ? length : found;
        }
        let stop = findQuote(chunk, characters, at);
        const hasEscapes = state.nextBackslash < stop;
        if (hasEscapes) stop = endOfText(chunk, characters, at);
        at = Math.min(stop + 1, length);
        tokens.hasEscapes = hasEscapes;
        expected = (isMember ? afterValue : afterName)[container]!;
        const isReported = reportsAll || (isMember ? name > 0 || reportsValues : reportsValues && container === array);
        if (isReported || stop >= length) {
          report(tokens, start, at, isMember, name, expected);
          if (stop >= length) cutOff(tokens, text, stop);
          return isReported ? text : none;
        }
        if (isMember) name = 0;
        else if (hasEscapes) name = numberOf(names, characters.slice(start + 1, stop));
        else name = numberAt(names, chunk, start + 1, stop);
        isMember = false;
        break;
      }
      case scalar: {
        at = endOfRun(chunk, at, scalar);
        if (tokens.fault === 0 && beginsScalar[byte] === 0) tokens.fault = word;
        expected = afterValue[container]!;
        const isReported = reportsAll || (isMember && name > 0);
        if (isReported || at === length) {
          report(tokens, start, at, isMember, name, expected);
          if (at === length) cutOff(tokens, scalar, at);
          return isReported ? scalar : none;
        }
        isMember = false;
        name = 0;
        break;
      }
      case gap:
        at = endOfRun(chunk, at, gap);
        if (!reportsAll) break;
        report(tokens, start, at, false, 0, expected);
        state.isMember = isMember;
        return gap;
      case colon:
        isMember = true;
        expected = value;
        break;
      case comma:
        isMember = false;
        name = 0;
        expected = afterComma[container]!;
        break;
      case opening: {
        const inner = byte === json.openObject ? object : array;
        expected = afterOpening[inner]!;
        const isReported = reportsAll || tokens.reportsBrackets || (isMember && name > 0);
        if (isReported) report(tokens, start, at, isMember, name, expected);
        container = open(state, inner);
        if (isReported) return opening;
        isMember = false;
        name = 0;
        break;
      }
      default: // closing
        if (container === (byte === json.closeObject ? array : object)) tokens.fault = stray;
        state.depth--;
        container = containerOf(state);
        expected = afterValue[container]!;
        if (reportsAll || tokens.reportsBrackets || state.depth === 0) {
          report(tokens, start, at, false, 0, expected);
          state.depth = Math.max(0, state.depth);
          return closing;
        }
        isMember = false;
        name = 0;
    }
  }
  tokens.end = at;
  tokens.level = state.depth;
  state.expected = expected;
  state.isMember = isMember;
  state.name = name;
  return none;
};
