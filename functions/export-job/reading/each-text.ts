import { nextToken, takeChunk, token, type JsonTokens } from '../../shared/json/tokens.ts';

/** The bytes are read in pieces, so that no large copy is made. */
const pieceBytes = 64 * 1024;

/**
 * Calls with each string that is reported, once it has ended: where it is in `bytes`, without its quotes.
 * @param tokens new ones, from `readTokens`; during the call they are at the string
 */
export const eachText = (tokens: JsonTokens, bytes: Buffer, call: (from: number, to: number) => void): void => {
  let from = 0;
  for (let piece = 0; piece < bytes.length; piece += pieceBytes) {
    takeChunk(tokens, bytes.subarray(piece, piece + pieceBytes));
    for (let kind = nextToken(tokens); kind !== token.none; kind = nextToken(tokens)) {
      if (kind !== token.text) continue;
      if (tokens.isFirst) from = piece + tokens.start + 1;
      if (tokens.isLast) call(from, piece + tokens.end - 1);
    }
  }
};
