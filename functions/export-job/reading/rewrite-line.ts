import { afterBase } from '../../shared/fhir/base-url-prefix.ts';
import { createLinkRewriter } from '../../shared/fhir/rewrite-links.ts';
import { eachText } from '../../shared/json/each-text.ts';
import { namesOf } from '../../shared/json/names.ts';
import { decodeBeginning } from '../../shared/json/spelling.ts';
import { readTokens } from '../../shared/json/tokens.ts';
import type { PageResource } from './page-resource.ts';

/** The payer's bases, and the facade's base that replaces them. */
export interface LineBases {
  /** Without trailing slashes. */
  readonly bases: readonly string[];
  readonly facade: string;
}

const lineEnd = Buffer.from('\n');

/** How many bytes of a line are rewritten at a time, so that memory never holds a large line twice. */
const pieceBytes = 64 * 1024;

/** A relative link to a Binary. Like a reference, it is relative to the payer's base (https://hl7.org/fhir/R4/references.html). */
const relativeBinary = /^\/?Binary\/./;

const urls = namesOf({ url: 1 });

/** How many characters of a URL show whether it is one. */
const beginning = '/Binary/.'.length;

/** How many bytes they take, each spelled as `\u0042`. */
const beginningBytes = beginning * 6;

/** Puts the facade's base before each relative link to a Binary, since files of NDJSON have no base of their own. */
const withAbsoluteBinaries = function* (line: Buffer, facade: string): Generator<Buffer> {
  const tokens = readTokens(urls);
  const places: { readonly at: number; readonly base: string }[] = [];
  eachText(tokens, line, (at, end) => {
    if (tokens.name === 0) return;
    const { text } = decodeBeginning(line.toString('latin1', at, Math.min(end, at + beginningBytes)), beginning);
    if (relativeBinary.test(text)) places.push({ at, base: text.startsWith('/') ? facade : `${facade}/` });
  });
  let from = 0;
  for (const { at, base } of places) {
    yield line.subarray(from, at);
    yield Buffer.from(base);
    from = at;
  }
  yield line.subarray(from);
};

/**
 * Makes the rewriter of one page's lines. It replaces the payer's bases in links with the facade's base, as the fetch
 * route does, makes relative links to Binaries absolute, and returns a line with its line break, in pieces. Each page gets
 * a new rewriter, so that a malformed page cannot affect another.
 */
export const createLineRewriter = ({
  bases,
  facade,
}: LineBases): ((resource: Pick<PageResource, 'line' | 'attachments'>) => Iterable<Uint8Array>) => {
  const rewriter = createLinkRewriter({ from: bases, to: facade });
  return function* ({ line, attachments }) {
    const isRelative = attachments.some((url) => relativeBinary.test(url));
    for (const part of isRelative ? withAbsoluteBinaries(line, facade) : [line]) {
      for (let at = 0; at < part.length; at += pieceBytes) yield* rewriter.push(part.subarray(at, at + pieceBytes));
    }
    yield* rewriter.push(lineEnd);
  };
};

/** Matches a URL that nobody fetches: an empty one, a `data:` URL, or a reference to a contained resource. */
const neverFetched = /^(?:$|#|data:)/i;

const isBinaryBelow = (url: string, base: string): boolean => /^\/Binary(?:$|[/?])/.test(afterBase(url, base) ?? '');

/**
 * How many attachments have URLs that are not below the facade once the line is rewritten. The gateway does not serve them, and a
 * client must not send its token there.
 */
export const unservedAttachments = (
  { attachments }: Pick<PageResource, 'attachments'>,
  { bases }: Pick<LineBases, 'bases'>,
): number =>
  attachments.filter(
    (url) => !neverFetched.test(url) && !relativeBinary.test(url) && !bases.some((base) => isBinaryBelow(url, base)),
  ).length;
