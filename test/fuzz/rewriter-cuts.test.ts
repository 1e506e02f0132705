import { agree, aliases, documents, slowly } from '../functions/shared/fhir/random-documents.ts';
import { gateway, inChunks, rewriteBytes } from '../functions/shared/fhir/rewriting.ts';

describe('random documents, compared with a reader that is slow and simple', () => {
  it('agrees on 300 documents at every place where a chunk may end', () => {
    expect(agree(7, 300)).toBeGreaterThan(100);
  });

  it('agrees on long documents in chunks of all sizes', () => {
    const next = documents(11);
    const text = `[${Array.from({ length: 600 }, next).join(',')}]`;
    const expected = slowly(text, aliases, gateway);
    for (const size of [1, 2, 3, 17, 64, 255, 1024, 16_384, text.length * 4]) {
      expect(rewriteBytes(inChunks(text, size), aliases)).toEqual(expected);
    }
  });
});
