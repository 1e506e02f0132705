import * as fc from 'fast-check';
import { createLinkRewriter } from '../../functions/shared/fhir/rewrite-links.ts';
import { words } from '../support/words.ts';
import { judgeDocument, judgeLongDocument } from './json-documents.ts';
import { holdsAtOnce } from './seeded.ts';

const documents = 50_000;

describe('the link rewriter', () => {
  it('agrees with a slow parser on 50,000 documents cut at every byte (RFC 8259)', () => {
    let [cuts, number] = [0, 0];
    // Consecutive numbers give unrelated documents. The other half is in another file, for another core.
    for (; number < documents; number += 1) cuts += judgeDocument(number).cuts;

    expect(number).toBe(documents);
    expect(cuts).toBeGreaterThan(documents * 50);
  });

  it.each([1, 2, 3, 17, 64, 255, 1024, 16_384, 10_000_000])(
    'agrees with a slow parser on a long document in chunks of %i bytes',
    (chunkBytes) => {
      expect(() => judgeLongDocument(chunkBytes)).not.toThrow();
    },
  );

  it('passes on what is not JSON without an error and without losing a byte', () => {
    const options = { from: ['http://p.example/r4'], to: 'https://g.example/r4/p' };
    const piece = fc.constantFrom(
      ...words(`{ } [ ] " : , \\ \\u "link" "url": "reference":" http://p.example/r4 /x"`),
      '\ufeff',
      ' ',
      ...words(`\0 null 1 \\ud800 <html>`),
      // A reference, as long as what comes before could be JSON.
      '{"reference":"http://p.example/r4/x"',
      ',"a":{"reference":"http://p.example/r4"}',
    );
    let rewritten = 0;

    holdsAtOnce(
      fc.tuple(
        fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 25 }),
        fc.integer({ min: 1, max: 9 }),
      ),
      ([pieces, size]) => {
        const bytes = Buffer.from(pieces.join(''));
        const rewriter = createLinkRewriter(options);
        const out: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += size) out.push(...rewriter.push(bytes.subarray(at, at + size)));
        const text = Buffer.concat([...out, ...rewriter.end()]).toString();
        if (text !== bytes.toString()) rewritten += 1;
        const back = (written: string) => written.replaceAll('https://g.example/r4/p', 'http://p.example/r4');
        if (back(text) !== back(bytes.toString())) throw new Error(`became ${text}`);
      },
      30_000,
    );
    expect(rewritten).toBeGreaterThan(300);
  });
});
