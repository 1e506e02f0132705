import fc from 'fast-check';
import { cutLongStrings } from '../../../../functions/export-job/reading/cut-long-strings.ts';

const kilobyte = 1024;
const parsed = (json: string): unknown => JSON.parse(cutLongStrings(Buffer.from(json)).toString('utf8'));

/** A string of JSON that is too long to stay whole, with this somewhere in it. */
const long = (inside: string, before = 200): string => `"${'a'.repeat(before)}${inside}${'z'.repeat(70 * kilobyte)}"`;

describe('long strings of a resource', () => {
  it('are cut to their beginning, and the rest stays as it is', () => {
    const text = `{"a":"x\\"y","data":${long('')},"b":[1.00,{"url":${long('', 0).replace('"', '"https://a.example/')}}],"c":""}`;
    expect(parsed(text)).toEqual({
      a: 'x"y',
      data: 'a'.repeat(128),
      b: [1, { url: `https://a.example/${'z'.repeat(110)}` }],
      c: '',
    });
  });

  it('are cut before an escape, and before what is not ASCII', () => {
    expect(parsed(`[${long(String.raw`\u00e9`, 5)},${long('é', 7)}]`)).toEqual(['aaaaa', 'aaaaaaa']);
  });

  it('are whole up to 64 KB, and what has no longer one is not copied', () => {
    const most = Buffer.from(`["${'b'.repeat(64 * kilobyte)}"]`);
    expect(cutLongStrings(most)).toBe(most);
    expect(cutLongStrings(Buffer.from(`["${'b'.repeat(64 * kilobyte + 1)}"]`))).toHaveLength(132);
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
