import * as fc from 'fast-check';
import { parseForm, readFormPairs } from '../../../../functions/shared/http/form.ts';
import { apiEvent } from '../../../support/gateway.ts';
import { words } from '../../../support/words.ts';

const headers = { 'Content-Type': 'Application/X-WWW-Form-Urlencoded ; charset=UTF-8' };
const event = (form: string) => apiEvent('/x', { method: 'POST', headers, form });
const inBase64 = (bytes: Uint8Array | string) => ({
  ...event(Buffer.from(bytes).toString('base64')),
  isBase64Encoded: true,
});

describe('a form', () => {
  it('without a body is empty', () => {
    expect(readFormPairs(apiEvent('/x', { headers }))).toEqual([]);
    expect(readFormPairs({ ...apiEvent('/x', { headers }), isBase64Encoded: true })).toEqual([]);
  });

  it.each([
    ['a space, in both spellings', 'a+b=c%20d', [['a b', 'c d']]],
    ['a plus sign', 'a=%2B', [['a', '+']]],
    ['names without a value, and empty pairs', '&a&&b=&=c&', [['a', ''], ['b', ''], ['', 'c']]], // prettier-ignore
    ['further equals signs', 'a=b=c', [['a', 'b=c']]],
    ['UTF-8, escaped and not', 'é=%C3%A9&%e2%82%AC=€', [['é', 'é'], ['€', '€']]], // prettier-ignore
    ['what is not an escape', 'a=%&b=%z&c=%4', [['a', '%'], ['b', '%z'], ['c', '%4']]], // prettier-ignore
    ['bytes that are no UTF-8', 'a=%FF%C3(', [['a', '\u{FFFD}\u{FFFD}(']]],
  ])('is read with %s', (_, text, pairs) => {
    expect(parseForm(text)).toEqual(pairs);
    expect(readFormPairs(inBase64(text))).toEqual(pairs);
  });

  it('is read as the URL standard says, whatever its content', () => {
    const part = fc.oneof(
      fc.constantFrom(...words('& = + % %2 %C3 %A9 %e2%82 %F0%9F%98%80 %00 %EF%BB%BF ? ; é'), '😀'),
      fc.string({ unit: 'grapheme', maxLength: 3 }),
      fc.integer({ min: 0, max: 255 }).map((byte) => `%${byte.toString(16).padStart(2, '0')}`),
    );
    const texts = fc.array(part, { maxLength: 30 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(texts, (text) => {
        // Only a query may start with a question mark, which URLSearchParams removes. Beside a broken escape, Node
        // treats characters beyond ASCII as bytes; escaped, they mean the same in the standard.
        const ascii = text.replaceAll(/[^\p{ASCII}]+/gu, encodeURIComponent);
        const promised = [...new URLSearchParams(ascii.startsWith('?') ? `?${ascii}` : ascii)];
        expect([parseForm(text), parseForm(ascii)]).toEqual([promised, promised]);
      }),
      { numRuns: 3000 },
    );
  });

  it('may have 65,536 bytes, and is 413 with one more, however it is sent', () => {
    const whole = `a=${'x'.repeat(65_534)}`;
    const wide = `a=${'é'.repeat(32_767)}`;

    for (const text of [whole, wide]) {
      expect(readFormPairs(event(text))).toHaveLength(1);
      expect(readFormPairs(inBase64(text))).toHaveLength(1);
      for (const longer of [event(`${text}x`), inBase64(`${text}x`)]) {
        expect(() => readFormPairs(longer)).toThrow(
          expect.objectContaining({
            code: 'invalid_request',
            status: 413,
            publicMessage: expect.stringContaining('65536'),
          }),
        );
      }
    }
  });

  it('that is much too long is refused before it is decoded', () => {
    const huge = { ...event(''), isBase64Encoded: true, body: '%'.repeat(10_000_000) };

    expect(() => readFormPairs(huge)).toThrow(expect.objectContaining({ status: 413 }));
  });
});
