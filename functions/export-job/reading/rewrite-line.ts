import { afterBase } from '../../shared/fhir/base-url-prefix.ts';
import { createLinkRewriter } from '../../shared/fhir/rewrite-links.ts';
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

/**
 * Makes the rewriter of one page's lines. It replaces the payer's bases in links with the facade's base, as the fetch
 * route does, and returns a line with its line break, in pieces. Each page gets a new rewriter, so that a malformed page
 * cannot affect another.
 */
export const createLineRewriter = ({ bases, facade }: LineBases): ((line: Uint8Array) => Iterable<Uint8Array>) => {
  const rewriter = createLinkRewriter({ from: bases, to: facade });
  return function* (line) {
    for (let at = 0; at < line.length; at += pieceBytes) yield* rewriter.push(line.subarray(at, at + pieceBytes));
    yield* rewriter.push(lineEnd);
  };
};

/** How many attachments are on other servers. Their URLs are not rewritten; a client must not send its token there. */
export const foreignAttachments = (
  { attachments }: Pick<PageResource, 'attachments'>,
  { bases }: Pick<LineBases, 'bases'>,
): number =>
  attachments.filter(
    (url) => /^[a-z][a-z0-9+.-]*:/i.test(url) && bases.every((base) => afterBase(url, base) === undefined),
  ).length;
