import { createLinkDecider, type LinkReplacements } from './decide-links.ts';
import { createChunkEdits } from './edit-chunk.ts';
import { createTokenReader } from './read-tokens.ts';
import { createKeySearch } from './search-keys.ts';

/**
 * Rewrites the links of a FHIR JSON answer while its bytes stream through: URLs that a client would follow and that
 * start with the payer's FHIR base get the gateway's base instead. Nothing is parsed and serialized again, so decimals
 * such as `1.00`, key order, white space and escapes reach the partner as the payer wrote them.
 *
 * A link is the string value of
 * - `fullUrl` and `reference`, anywhere;
 * - `url` in the object (or in an object of the array) that a `link` key holds. If the answer has pages, the whole URL
 *   goes to `seal`, unless the object's `relation` was already read as `self`;
 * - `location` in the object that a `response` key holds;
 * - `url` anywhere else only where it points to `{base}/Binary`.
 *
 * Two parts take turns. Most of an answer is never tokenized: `search-keys.ts` jumps from one of those keys to the
 * next, past links that are written as usual. From any other key, `read-tokens.ts` reads until its value is done.
 * `decide-links.ts` decides each link.
 *
 * One pass, in linear time for any chunks. It keeps one byte for each of at most 128 levels under a `link` or
 * `response`. It holds back bytes only of a link that a chunk's end cuts off before it is decided: at most six per
 * character of the longest base and `/Binary/`, or a whole page link up to `longestPageLink`. What is nested deeper
 * passes unchanged. So does everything after the first structural error, and an answer that does not start as a JSON
 * object or array.
 */
export interface LinkRewriter {
  /** Takes the payer's next bytes and returns what may leave now. An unchanged chunk is returned as is, not copied. */
  push(chunk: Uint8Array): Uint8Array[];
  /** Returns what was still held back, if the answer was cut off. */
  end(): Uint8Array[];
  /** How many absolute http(s) links to elsewhere passed unchanged so far. */
  readonly foreignLinks: number;
  /** How many page links below the payer's bases were too long to be sealed so far. */
  readonly unsealedLinks: number;
}

/** Makes the rewriter of one answer. See {@link LinkRewriter}. */
export const createLinkRewriter = (replacements: LinkReplacements): LinkRewriter => {
  const decider = createLinkDecider(replacements);
  const edits = createChunkEdits(decider.gatewayBase);
  const tokens = createTokenReader(decider, edits.replace);
  const search = createKeySearch(decider, edits.replace, tokens.enter);

  /** Reads the chunk from `start` and returns the end of the bytes that may leave. */
  const scan = (chunk: Buffer, start: number): number => {
    let at = start;
    while (at < chunk.length) {
      if (tokens.isOutside()) {
        at = search.findNext(chunk, at);
      } else {
        at = tokens.read(chunk, at);
        if (!tokens.isOutside()) return at;
        search.startAt(at);
      }
    }
    return at;
  };

  return {
    push(chunk) {
      if (chunk.length === 0) return [];
      if (tokens.isBroken()) return [chunk];
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const resumed = tokens.resume(bytes);
      if (resumed === undefined) return [];
      const { before, start } = resumed;
      edits.clear();
      search.take(bytes);
      const end = scan(bytes, tokens.isOutside() ? search.findCut() : start);
      search.release(bytes, tokens.isOutside());
      if (edits.isEmpty() && before.length + start === 0 && end === bytes.length) return [chunk];
      return [edits.apply(before, bytes, start, end)];
    },
    end() {
      const held = tokens.stop();
      return held.length === 0 ? [] : [held];
    },
    get foreignLinks() {
      return decider.foreignLinks();
    },
    get unsealedLinks() {
      return decider.unsealedLinks();
    },
  };
};
