import { createHmac, randomBytes } from 'node:crypto';
import { identityOf, tagger } from '../../../../functions/export-job/reading/seen-names.ts';
import { createSeenSet, entryBytes, tagBytes } from '../../../../functions/export-job/reading/seen.ts';
import { pageResource } from './bundles.ts';

const tagOf = tagger(Buffer.alloc(32, 7));

describe('what was seen', () => {
  it('agrees with a set of texts', () => {
    const seen = createSeenSet();
    const known = new Set<string>();
    let disagreements = 0;
    for (let at = 0; at < 60_000; at++) {
      const identity = `Observation/${(at * 7919) % 40_000}`;
      const tag = tagOf(identity);
      if (seen.has(tag) !== known.has(identity)) disagreements++;
      if (seen.add(tag) === known.has(identity)) disagreements++;
      known.add(identity);
    }
    expect(disagreements).toBe(0);
    expect(seen.size()).toBe(known.size);
  });

  it('comes back from its deltas, which hold each tag once', () => {
    const seen = createSeenSet();
    const deltas = [0, 1, 2].map((leg) => {
      for (let at = 0; at < 1000; at++) seen.add(tagOf(`Claim/${leg * 500 + at}`));
      return seen.takeDelta();
    });
    expect(deltas.map(({ length }) => length / entryBytes)).toEqual([1000, 500, 500]);
    expect(seen.takeDelta()).toHaveLength(0);

    const again = createSeenSet();
    for (const delta of deltas) again.load(delta);
    expect(again.size()).toBe(2000);
    for (let at = 0; at < 2000; at++) expect(again.add(tagOf(`Claim/${at}`))).toBe(false);
    expect(again.takeDelta()).toHaveLength(0);
    expect(again.add(tagOf('Claim/2000'))).toBe(true);
  });

  it('keeps the last mark of each tag, also in its deltas', () => {
    const seen = createSeenSet();
    const marks = (set: ReturnType<typeof createSeenSet>, mark: number) =>
      ['Claim/1', 'Claim/2', 'Claim/3'].map((name) => set.mark(tagOf(name), mark));
    seen.add(tagOf('Claim/2'));
    expect(marks(seen, 7)).toEqual([0, 1, 0]);
    expect(marks(seen, 7)).toEqual([7, 7, 7]);
    expect(seen.add(tagOf('Claim/1'))).toBe(false);
    const first = seen.takeDelta();
    expect(first).toHaveLength(4 * entryBytes);
    expect(marks(seen, 65_535)).toEqual([7, 7, 7]);

    const again = createSeenSet();
    for (const delta of [first, seen.takeDelta()]) again.load(delta);
    expect(again.size()).toBe(3);
    expect(marks(again, 2)).toEqual([65_535, 65_535, 65_535]);
  });

  it('takes tags of zeros and of ones', () => {
    const seen = createSeenSet();
    for (const byte of [0, 255]) {
      const tag = Buffer.alloc(tagBytes, byte);
      expect([seen.has(tag), seen.add(tag), seen.add(tag), seen.has(tag)]).toEqual([false, true, false, true]);
    }
  });

  it('refuses anything that is not a tag', () => {
    expect(() => createSeenSet().add(Buffer.alloc(9))).toThrow('too short');
    expect(() => createSeenSet().load(Buffer.alloc(13))).toThrow('part of a tag');
  });
});

describe('what identifies a resource', () => {
  it('is its type and id', () => {
    expect(identityOf(pageResource({ resourceType: 'Claim', id: '1', a: 1 }))).toBe('Claim/1');
  });

  it('is its bytes, if it has no id', () => {
    const [one, same, other] = [{ a: 1 }, { a: 1 }, { a: 2 }].map((rest) =>
      identityOf(pageResource({ resourceType: 'Claim', ...rest })),
    );
    expect(one).toBe(same);
    expect(one).not.toBe(other);
  });

  it('has a tag that begins an HMAC', () => {
    for (const identity of ['', 'Claim/1', `Claim/é${'x'.repeat(500)}`]) {
      const key = randomBytes(32);
      const expected = createHmac('sha256', key).update(identity).digest().subarray(0, tagBytes);
      expect(Buffer.from(tagger(key)(identity))).toEqual(Buffer.from(expected));
    }
  });

  it('differs under another key', () => {
    expect(tagger(Buffer.alloc(32, 8))('Claim/1')).not.toEqual(tagOf('Claim/1'));
    expect(tagOf('Claim/1')).toHaveLength(tagBytes);
  });
});
