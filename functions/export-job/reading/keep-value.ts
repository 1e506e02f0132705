import { token, type JsonTokens } from '../../shared/json/tokens.ts';

/** Keeps one value of a document at a time, without the white space between its tokens. */
export interface ValueKeeper {
  /** Starts with the next token that it takes. @param mostBytes the most bytes to keep; 0 for a value that is not needed */
  readonly begin: (mostBytes: number) => void;
  /** Goes on in the next chunk. */
  readonly goOn: () => void;
  /** Takes a token of the value, or `none` at the end of a chunk. */
  readonly take: (kind: number, tokens: JsonTokens) => void;
  /** Ends with the current token. */
  readonly end: (tokens: JsonTokens) => void;
  /** The bytes kept, as a view that the next value overwrites. Of a value that is too large, only the beginning. */
  readonly kept: () => Buffer;
  /** Whether the value had more bytes than it was told to keep. */
  readonly isTooLarge: () => boolean;
  /** How many levels deep its objects and arrays are nested. */
  readonly depth: () => number;
  /** How many strings, scalars, objects and arrays it has, names included. */
  readonly nodes: () => number;
  /** How many members its objects have. A repeated member counts each time. */
  readonly members: () => number;
}

/** @param held memory for the bytes of one value at a time */
export const keepValues = (held: Buffer): ValueKeeper => {
  let heldLength = 0;
  let mostBytes = 0;
  let isTooLarge = false;
  /** Where the bytes begin that are not kept yet; -1 if the value begins with the next token. */
  let from = -1;
  let level = 0;
  let deepest = 0;
  let members = 0;
  let nodes = 0;

  const keep = (chunk: Buffer, to: number): void => {
    if (mostBytes === 0 || isTooLarge || from === to) return;
    const room = mostBytes - heldLength;
    if (to - from > room) isTooLarge = true;
    heldLength += chunk.copy(held, heldLength, from, Math.min(to, from + room));
  };

  return {
    begin(most) {
      mostBytes = Math.min(most, held.length);
      heldLength = deepest = members = nodes = 0;
      isTooLarge = false;
      from = -1;
    },
    goOn() {
      from = 0;
    },
    take(kind, tokens) {
      const { chunk, start, end } = tokens;
      const isNext = from < 0;
      if (isNext) {
        from = start;
        level = tokens.level;
      }
      if (kind === token.none) keep(chunk, chunk.length);
      else if (kind === token.gap) {
        keep(chunk, start);
        from = end;
      } else {
        if (kind !== token.closing && tokens.isFirst) nodes++;
        if (kind === token.opening) deepest = Math.max(deepest, tokens.level - level + 1);
        if (tokens.isMember && tokens.isFirst && !isNext) members++;
      }
    },
    end({ chunk, end }) {
      keep(chunk, end);
    },
    kept: () => held.subarray(0, heldLength),
    isTooLarge: () => isTooLarge,
    depth: () => deepest,
    nodes: () => nodes,
    members: () => members,
  };
};
