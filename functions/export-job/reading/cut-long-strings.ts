import { backslashByte, letterU, space, tableOf } from '../../shared/json/bytes.ts';
import { readTokens } from '../../shared/json/tokens.ts';
import { eachText } from './each-text.ts';

/** Longer strings are cut, in bytes. References, types and ids are much shorter. */
const longestBytes = 64 * 1024;

/** How many bytes of a long string are kept: enough to see the scheme of a URL. */
const headBytes = 128;

/** Ends a string that is cut, so that a cut name differs from the name that it begins with. */
export const cutMark = '…';
const markBytes = Buffer.from(cutMark);

const afterBackslash = tableOf('"\\/bfnrtu');
const hexDigits = tableOf('0123456789abcdefABCDEF');

/** Checks the inside of a string as JSON.parse would (RFC 8259 §7). @throws SyntaxError */
const checkString = (json: Buffer, from: number, to: number): void => {
  for (let i = from; i < to; i++) {
    const byte = json[i]!;
    if (byte < space) throw new SyntaxError('a control character in a string');
    if (byte !== backslashByte) continue;
    i += 1;
    if (afterBackslash[json[i]!] === 0) throw new SyntaxError('an escape that JSON does not have');
    if (json[i] !== letterU) continue;
    for (const last = i + 4; i < last; i++) {
      if (hexDigits[json[i + 1]!] === 0) throw new SyntaxError('an escape without four digits');
    }
  }
};

/** Where to cut a string. The cut is never inside an escape or a character. */
const endOfHead = (json: Buffer, from: number): number => {
  let at = from;
  while (at < from + headBytes && json[at]! !== backslashByte && json[at]! < 0x80) at += 1;
  return at;
};

/**
 * Cuts long strings to their beginning and {@link cutMark}, such as documents in Base64, since a parser would hold each of them twice more. It first checks that
 * they are valid JSON.
 * @param json without white space between tokens
 * @throws SyntaxError if a long string is not valid
 */
export const cutLongStrings = (json: Buffer): Buffer => {
  const pieces: Buffer[] = [];
  let from = 0;
  eachText(readTokens(), json, (start, end) => {
    if (end - start <= longestBytes) return;
    checkString(json, start, end);
    pieces.push(json.subarray(from, endOfHead(json, start)), markBytes);
    from = end;
  });
  return from === 0 ? json : Buffer.concat([...pieces, json.subarray(from)]);
};
