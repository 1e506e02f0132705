import { collectBeginning, decodeBeginning, type Beginning } from '../json/spelling.ts';
import { nextToken, readTokens, takeChunk, token, type JsonTokens } from '../json/tokens.ts';
import { createLinkDecider, type LinkReplacements, type Replacement } from './decide-links.ts';
import { anyLink, binaryLink, createLinkFinder, linkNames, noLink, relation } from './find-links.ts';

/**
 * Rewrites the links of a FHIR JSON answer while its bytes stream through: URLs that a client would follow and that
 * start with the payer's FHIR base get the gateway's base instead. Nothing is parsed and serialized again, so decimals
 * such as `1.00`, key order, white space and escapes reach the partner as the payer wrote them.
 *
 * `find-links.ts` says which strings are links, and `decide-links.ts` what becomes of each.
 *
 * One pass, in linear time for any chunks. It holds back bytes only of a link that a chunk's end cuts off before it is
 * decided: at most six per character of the longest base and `//Binary/`, or a whole page link up to `longestPageLink`.
 * What is not JSON passes unchanged: an answer that does not start as an object or array, and everything after the first
 * error under a `link` or `response`.
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

const unchanged: Replacement = { length: 0, by: '' };

/** What else reads an answer's tokens while its links are rewritten. */
export type TokenWatch = (kind: number, tokens: JsonTokens) => void;

/**
 * Makes the rewriter of one answer. See {@link LinkRewriter}.
 * @param watch called at least with each token that is in no brackets, before the bytes around it leave
 */
export const createLinkRewriter = (replacements: LinkReplacements, watch?: TokenWatch): LinkRewriter => {
  const decider = createLinkDecider(replacements);
  const finder = createLinkFinder(replacements.pages !== undefined);
  const tokens = readTokens(linkNames);
  /** A link or a relation that is cut by the end of a chunk, its type, and where it begins: 0 if in an earlier chunk. */
  let cut: Beginning | undefined;
  let cutType = noLink;
  let cutFrom = 0;
  /** The rest of a link that was replaced as a whole is left out. */
  let isDropping = false;
  /** What leaves of the chunk, up to `from`. */
  let out = '';
  let from = 0;
  let isStopped = false;

  const holdsBack = (): boolean => cut !== undefined && cutType !== relation;

  /** Decides a string. Returns undefined if it stays as it is. */
  const decide = (type: number, spelling: string, isWhole: boolean): Replacement | undefined => {
    if (type !== relation) return decider.decide(type, spelling, isWhole);
    if (decodeBeginning(spelling, 5).text === 'self') finder.markSelf();
    return undefined;
  };

  const replace = (at: number, length: number, by: string): void => {
    out += tokens.characters.slice(from, at) + by;
    from = at + length;
  };

  const readWhole = (type: number): void => {
    const { characters, start, end, hasEscapes } = tokens;
    const at = start + 1;
    if (!hasEscapes && (type === anyLink || type === binaryLink)) {
      const length = decider.decidePlain(type, characters, at);
      if (length > 0) replace(at, length, decider.gatewayBase);
      return;
    }
    const replacement = decide(type, characters.slice(at, end - 1), true);
    if (replacement !== undefined) replace(at, replacement.length, replacement.by);
  };

  /** Drops the rest of a string whose beginning was replaced as a whole. */
  const drop = (): void => {
    from = tokens.isLast ? tokens.end - 1 : tokens.end;
    isDropping = !tokens.isLast;
  };

  /** Reads a part of a string that is cut, and decides it as soon as that is possible. */
  const readPart = (beginning: Beginning): void => {
    const { chunk, characters, isFirst, isLast, start, end } = tokens;
    const stop = beginning.add(chunk, characters, isFirst ? start + 1 : 0, isLast ? end - 1 : end);
    if (!isLast && !beginning.isFull()) return;
    const spelling = beginning.spelling();
    const { length, by, isAll = false } = decide(cutType, spelling, !beginning.isFull()) ?? unchanged;
    if (cutFrom > 0) replace(cutFrom, length, by);
    else if (holdsBack()) {
      out += by + spelling.slice(length);
      from = stop;
    }
    cut = undefined;
    if (isAll) drop();
  };

  const readText = (type: number): void => {
    if (tokens.isFirst && !tokens.isLast && type !== noLink) {
      cut = collectBeginning(decider.charactersFor(type));
      cutType = type;
      cutFrom = tokens.start + 1;
    }
    if (cut !== undefined) readPart(cut);
    else if (isDropping) drop();
    else if (type !== noLink) readWhole(type);
  };

  return {
    push(chunk) {
      if (chunk.length === 0) return [];
      if (isStopped) return [chunk];
      takeChunk(tokens, chunk);
      out = '';
      from = cutFrom = 0;
      let kind: number;
      do {
        kind = nextToken(tokens);
        watch?.(kind, tokens);
        const type = finder.take(kind, tokens);
        if (kind === token.text) readText(type);
      } while (kind !== token.none);
      const end = holdsBack() ? cutFrom : chunk.length;
      if (out === '' && from === 0 && end === chunk.length) return [chunk];
      out += tokens.characters.slice(from, end);
      return out === '' ? [] : [Buffer.from(out, 'latin1')];
    },
    end() {
      isStopped = true;
      return cut === undefined || !holdsBack() ? [] : [Buffer.from(cut.spelling(), 'latin1')];
    },
    get foreignLinks() {
      return decider.foreignLinks();
    },
    get unsealedLinks() {
      return decider.unsealedLinks();
    },
  };
};
