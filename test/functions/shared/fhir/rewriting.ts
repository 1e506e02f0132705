import type { LinkReplacements } from '../../../../functions/shared/fhir/decide-links.ts';
import { createLinkRewriter } from '../../../../functions/shared/fhir/rewrite-links.ts';

export const payer = 'https://payer.example/r4';
export const gateway = 'https://gateway.example/r4/payer';

export const rewriteBytes = (chunks: readonly Uint8Array[], from: LinkReplacements['from'] = [payer], to = gateway) => {
  const rewriter = createLinkRewriter({ from, to });
  const out = [...chunks.flatMap((chunk) => rewriter.push(chunk)), ...rewriter.end()];
  return { text: Buffer.concat(out).toString('utf8'), foreignLinks: rewriter.foreignLinks };
};

export const inChunks = (text: string, size: number): Buffer[] => {
  const bytes = Buffer.from(text, 'utf8');
  const chunks = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
};

/**
 * Chunkings in which every byte is the end of a chunk once. Long texts have chunks of `period` bytes, so that the work
 * grows with the length and not with its square.
 */
export const cutEverywhere = function* (bytes: Buffer, period = 128): Generator<Buffer[]> {
  for (let first = 1; first <= Math.min(period, bytes.length - 1); first++) {
    const chunks = [bytes.subarray(0, first)];
    for (let at = first; at < bytes.length; at += period) chunks.push(bytes.subarray(at, at + period));
    yield chunks;
  }
};

/** The same text, whole and cut at every byte. */
export const expectEverywhere = (
  text: string,
  expected: { text: string; foreignLinks: number },
  from?: LinkReplacements['from'],
) => {
  const bytes = Buffer.from(text, 'utf8');
  expect(rewriteBytes([bytes], from)).toEqual(expected);
  expect(rewriteBytes(inChunks(text, 1), from)).toEqual(expected);
  expect(rewriteBytes(inChunks(text, 7), from)).toEqual(expected);
  for (const chunks of cutEverywhere(bytes)) {
    const result = rewriteBytes(chunks, from);
    if (result.text !== expected.text || result.foreignLinks !== expected.foreignLinks) {
      const first = chunks[0]?.length;
      expect({ first, ...result }).toEqual({ first, ...expected });
    }
  }
};
