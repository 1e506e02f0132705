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
  /** @throws UnusableAnswer if they are not one JSON document, or more follows it */
  readonly push: (chunk: Uint8Array) => void;
  /** @throws UnusableAnswer if the document has not ended */
  readonly end: () => void;
}

/**
 * Checks that an answer is one JSON document from its first brace to its last. If a payer ends an answer by closing the
 * connection, or gives too small a length, there is no other sign that something is missing. It tracks only strings and
 * brackets, in one pass and without storing bytes, so it does not prove that the JSON can be parsed.
 */
export const jsonDocument = (): JsonDocument => {
  let depth = 0;
  let started = false;
  let inString = false;
  /** Whether the next byte follows a backslash. */
  let escaped = false;

  /** Skips a string from `at`, and returns where it ended. */
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

  /** Skips what may surround the document. */
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
