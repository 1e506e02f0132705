import { createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { cutLongStrings } from '../../../../functions/export-job/reading/cut-long-strings.ts';
import { createLineRewriter } from '../../../../functions/export-job/reading/rewrite-line.ts';
import { identityOf, tagger } from '../../../../functions/export-job/reading/seen-names.ts';
import { createSeenSet, entryBytes, tagBytes } from '../../../../functions/export-job/reading/seen.ts';
import { rewriteSlowly } from '../../shared/fhir/link-oracle.ts';
import { pageResource, spell } from './bundles.ts';

const bases = ['https://payer.example/fhir', 'http://inside:8080/r4'];
const facade = 'https://gateway.example/r4/payer';

describe('the links of lines', () => {
  it('get the base of the facade, and each line its end', () => {
    const rewriteLine = createLineRewriter({ bases, facade });
    const rewrite = (line: Buffer): Buffer => Buffer.concat([...rewriteLine({ line, attachments: [] })]);
    const line = (base: string) =>
      `{"subject":{"reference":"${base}/Patient/1"},"content":[{"attachment":{"url":"${base}/Binary/2"}}],"url":"${base}/x","a":1.00}`;
    for (const base of [...bases, 'HTTPS://Payer.Example/fhir']) {
      expect(rewrite(Buffer.from(line(base))).toString()).toBe(
        `${line(facade).replace(`"url":"${facade}/x"`, `"url":"${base}/x"`)}\n`,
      );
    }
    expect(rewrite(Buffer.from('{"a":"https://payer.example/fhir"}')).toString()).toBe(
      '{"a":"https://payer.example/fhir"}\n',
    );
  });

  it.each([
    ['Binary/1', `${facade}/Binary/1`],
    ['/Binary/1', `${facade}/Binary/1`],
    [String.raw`\/Binary\/1`, String.raw`${facade}\/Binary\/1`],
    [String.raw`\u0042inary/1`, String.raw`${facade}/\u0042inary/1`],
    ['Binary/1/_history/2', `${facade}/Binary/1/_history/2`],
    ['https://payer.example/fhir/Binary/1', `${facade}/Binary/1`],
    ['https://payer.example/fhir//Binary/1', `${facade}/Binary/1`],
    ['https://payer.example/fhir////Binary/1', `${facade}/Binary/1`],
    [String.raw`https:\/\/payer.example/fhir\/\/Binary/1`, String.raw`${facade}\/Binary/1`],
    ['DocumentReference/1/$content', 'DocumentReference/1/$content'],
    [
      'https://payer.example/fhir/DocumentReference/1/$content',
      'https://payer.example/fhir/DocumentReference/1/$content',
    ],
    ['#Binary/1', '#Binary/1'],
    ['xBinary/1', 'xBinary/1'],
    ['Binary', 'Binary'],
    ['', ''],
  ])('to an attachment at %s are absolute if it is a Binary', (from, to) => {
    const line = (url: string) =>
      String.raw`{"resourceType":"DocumentReference","id":"Binary/1","description":",\"url\":\"Binary/1","my\"url":"Binary/1",` +
      `"content":[{"attachment":{"url":"${url}","title":"${'x'.repeat(100_000)}"}},{"attachment":{"title":"é","url":"${url}"}}],` +
      `"subject":{"reference":"Binary/1"},"relatesTo":[{"url":"Binary/9"}]}`;
    const rewritten = Buffer.concat([
      ...createLineRewriter({ bases, facade })(
        pageResource(JSON.parse(line(from)) as object as Record<string, unknown>),
      ),
    ]).toString();
    const direct = Buffer.concat([
      ...createLineRewriter({ bases, facade })({
        line: Buffer.from(line(from)),
        attachments: [JSON.parse(`"${from}"`) as string],
      }),
    ]).toString();

    const isRelative = /^\/?Binary\/./.test(JSON.parse(`"${from}"`) as string);
    const expected = isRelative ? line(to).replace('"Binary/9"', `"${facade}/Binary/9"`) : line(to);
    expect(direct).toBe(`${expected}\n`);
    expect(JSON.parse(rewritten)).toEqual(JSON.parse(expected));
  });

  const nested = (depth: number, name: string, inner: string): string =>
    `${`{"${name}":`.repeat(depth)}${inner}${'}'.repeat(depth)}`;

  it.each<[string, (url: string) => string]>([
    ['under an escaped name', (url) => String.raw`{"attachment":{"\u0075\u0072\u006C":"${url}"}}`],
    ['of 9 KB', (url) => `{"attachment":{"url":"${url}${'1'.repeat(9000)}"}}`],
    ['with escapes beyond their beginning', (url) => String.raw`{"attachment":{"url":"${url}\u002f\"é"}}`],
    // With what is around them as deep as a resource may be.
    ...['a', 'link', 'response'].map((name): [string, (url: string) => string] => [
      `200 levels deep in ${name}`,
      (url) => nested(197, name, `{"attachment":{"url":"${url}"}}`),
    ]),
  ])('to an attachment are absolute %s', (_, made) => {
    const line = (url: string): string => `{"resourceType":"Basic","a":${made(url)}}`;
    const attachmentsIn = (text: string) => pageResource(JSON.parse(text) as { resourceType: string }).attachments;
    for (const url of ['Binary/1', '/Binary/1', String.raw`\u0042inary\/1`, `${bases[0]}/Binary/1`]) {
      const attachments = attachmentsIn(line(url));
      const rewritten = Buffer.concat([
        ...createLineRewriter({ bases, facade })({ line: Buffer.from(line(url)), attachments }),
      ]);
      expect(attachmentsIn(rewritten.toString())[0]).toMatch(/^https:\/\/gateway\.example\/r4\/payer\/Binary\/1/);
    }
  });

  it('do not depend on the lines before', () => {
    const rewriteLine = createLineRewriter({ bases, facade });
    const rewrite = (line: Buffer): Buffer => Buffer.concat([...rewriteLine({ line, attachments: [] })]);
    const values = [...Array(300).keys()].map((at) => ({
      link: [[{ relation: 'next', url: `${bases[at % 2]}?${at}` }], { url: bases[0] }],
      response: { location: `${bases[1]}/Claim/${at}` },
      'x"reference': [{ reference: `${bases[at % 2]}/Claim/é${at}` }, `${bases[0]}/`],
      reference: `${bases[0]}`,
      url: at % 3 === 0 ? `${bases[0]}/Binary` : 'https://elsewhere.example',
      fullUrl: { reference: 'Patient/1' },
    }));
    for (const [at, value] of values.entries()) {
      const { compact } = spell(value, at + 1);
      expect(rewrite(Buffer.from(compact)).toString()).toBe(`${rewriteSlowly(compact, bases, facade).text}\n`);
    }
  });
});

const kilobyte = 1024;
const parsed = (json: string): unknown => JSON.parse(cutLongStrings(Buffer.from(json)).toString('utf8'));

/** A string of JSON that is too long to stay whole, with this somewhere in it. */
const long = (inside: string, before = 200): string => `"${'a'.repeat(before)}${inside}${'z'.repeat(70 * kilobyte)}"`;

describe('long strings of a resource', () => {
  it('are cut to their beginning, and the rest stays as it is', () => {
    const text = `{"a":"x\\"y","data":${long('')},"b":[1.00,{"url":${long('', 0).replace('"', '"https://a.example/')}}],"c":""}`;
    expect(parsed(text)).toEqual({
      a: 'x"y',
      data: `${'a'.repeat(128)}…`,
      b: [1, { url: `https://a.example/${'z'.repeat(110)}…` }],
      c: '',
    });
  });

  it('are cut before an escape, and before what is not ASCII', () => {
    expect(parsed(`[${long(String.raw`\u00e9`, 5)},${long('é', 7)}]`)).toEqual(['aaaaa…', 'aaaaaaa…']);
  });

  it('are whole up to 64 KB, and what has no longer one is not copied', () => {
    const most = Buffer.from(`["${'b'.repeat(64 * kilobyte)}"]`);
    expect(cutLongStrings(most)).toBe(most);
    expect(cutLongStrings(Buffer.from(`["${'b'.repeat(64 * kilobyte + 1)}"]`))).toHaveLength(135);
    const none = Buffer.from('[1,2]');
    expect(cutLongStrings(none)).toBe(none);
  });

  it('are checked as JSON.parse checks them', () => {
    const pieces = fc.array(
      fc.oneof(
        fc.constantFrom(...String.raw`"\/bfnrtux`.split('').map((letter) => `\\${letter}`)),
        fc.constantFrom(String.raw`\u12`, String.raw`\uABCD`, String.raw`\u00fF`, String.raw`\u00g0`, '\\\\'),
        fc.constantFrom('\n', '\u0000', '\u001f', '\u007f', ' ', 'é', '{', '😀'),
      ),
      { maxLength: 4 },
    );
    const isJson = (text: string): boolean => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(pieces, (inside) => {
        const text = `["b",${long(inside.join(''))},"c"]`;
        let found: boolean;
        try {
          found = isJson(cutLongStrings(Buffer.from(text)).toString('utf8'));
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
          found = false;
        }
        expect(found).toBe(isJson(text));
      }),
      { numRuns: 500 },
    );
  });
});

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
