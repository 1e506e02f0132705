import {
  backslashByte,
  bytesOf,
  endOfString,
  letterU,
  quoteByte,
  space,
  tableOf,
} from '../../shared/fhir/json-bytes.ts';

/** Longer strings are cut, in bytes. References, types and ids are much shorter. */
const longestBytes = 64 * 1024;

/** How many bytes of a long string are kept: enough to see the scheme of a URL. */
const headBytes = 128;

const afterBackslash = tableOf(bytesOf('"\\/bfnrtu'));
const hexDigits = tableOf(bytesOf('0123456789abcdefABCDEF'));

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
 * Cuts long strings, such as documents in Base64, since a parser would hold each of them twice more. It first checks that
 * they are valid JSON.
 * @param json without white space between tokens
 * @throws SyntaxError if a long string is not valid
 */
export const cutLongStrings = (json: Buffer): Buffer => {
  const pieces: Buffer[] = [];
  let from = 0;
  for (let quote = json.indexOf(quoteByte); quote >= 0;) {
    const start = quote + 1;
    const end = endOfString(json, start);
    if (end - start > longestBytes) {
      checkString(json, start, end);
      pieces.push(json.subarray(from, endOfHead(json, start)));
      from = end;
    }
    quote = json.indexOf(quoteByte, end + 1);
  }
  return from === 0 ? json : Buffer.concat([...pieces, json.subarray(from)]);
};
