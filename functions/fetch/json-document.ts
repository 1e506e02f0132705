import {
  beforeJson,
  closeArray,
  closeObject,
  endOfString,
  endsInEscape,
  openArray,
  openObject,
  quoteByte,
  space,
} from '../shared/fhir/json-bytes.ts';
import { UnusableAnswer } from '../shared/payer/decode-body.ts';

const opens = 1;
const closes = 2;
const string = 3;

const kinds = new Uint8Array(256);
for (const byte of [openObject, openArray]) kinds[byte] = opens;
for (const byte of [closeObject, closeArray]) kinds[byte] = closes;
kinds[quoteByte] = string;

/** Watches the bytes of an answer. */
export interface JsonDocument {
  /** @throws UnusableAnswer where they are no JSON document, or one with something behind it */
  readonly push: (chunk: Uint8Array) => void;
  /** @throws UnusableAnswer where the document has not ended */
  readonly end: () => void;
}

/**
 * Whether an answer is one JSON document from its first brace to its last. A payer that ends an answer by closing the
 * connection, or that counts it too short, leaves no other sign that something is missing. Strings and brackets are
 * followed and nothing else, in one pass over the bytes and without memory: it is no proof that JSON can be parsed.
 */
export const jsonDocument = (): JsonDocument => {
  let depth = 0;
  let started = false;
  let inString = false;
  /** The next byte stands after a backslash. */
  let escaped = false;

  /** Skips a string from `at` on, and returns where it goes on behind it. */
  const skipString = (chunk: Buffer, at: number): number => {
    const from = escaped ? at + 1 : at;
    escaped = false;
    const end = endOfString(chunk, from);
    if (end < chunk.length) {
      inString = false;
      return end + 1;
    }
    escaped = endsInEscape(chunk, from);
    return chunk.length;
  };

  /** Skips what may stand around the document. */
  const skipAround = (chunk: Buffer, at: number): number => {
    let next = at;
    while (next < chunk.length && (started ? chunk[next]! <= space : beforeJson[chunk[next]!] === 1)) next += 1;
    if (next === chunk.length) return next;
    if (started || kinds[chunk[next]!] !== opens) throw new UnusableAnswer('NOT_JSON');
    started = true;
    depth = 1;
    return next + 1;
  };

  return {
    push: (bytes) => {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const { length } = chunk;
      let at = 0;
      while (at < length) {
        if (inString) {
          at = skipString(chunk, at);
        } else if (depth === 0) {
          at = skipAround(chunk, at);
        } else {
          let kind = 0;
          while (at < length && (kind = kinds[chunk[at]!]!) === 0) at += 1;
          if (at === length) return;
          at += 1;
          if (kind === string) inString = true;
          else depth += kind === opens ? 1 : -1;
        }
      }
    },
    end: () => {
      if (!started || depth > 0) throw new UnusableAnswer('INCOMPLETE_JSON');
    },
  };
};
