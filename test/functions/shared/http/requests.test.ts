import * as fc from 'fast-check';
import {
  checkMethod,
  checkNotRepeated,
  header,
  headerText,
  parameters,
  payerOf,
  queryPairs,
  type ApiEvent,
} from '../../../../functions/shared/http/api.ts';
import { clearCookie, hostCookie, readCookies } from '../../../../functions/shared/http/cookies.ts';
import { edgeFacts } from '../../../../functions/shared/http/edge-headers.ts';
import { parseForm, readFormPairs } from '../../../../functions/shared/http/form.ts';
import {
  isPublicAddress,
  namesPrivateAddress,
  namesThisMachine,
} from '../../../../functions/shared/http/private-address.ts';
import { recordRequest, type RequestContext } from '../../../../functions/shared/record/request-record.ts';
import { apiEvent, testDeps } from '../../../support/gateway.ts';
import { words } from '../../../support/words.ts';

describe('a REST API’s event', () => {
  it('finds a header by name in any letter case, and joins several', () => {
    const event = apiEvent('/x', { headers: { 'ACCEPT-language': 'de' } });
    event.multiValueHeaders['X-Many'] = ['a', 'b'];

    expect(header(event, 'accept-language')).toBe('de');
    expect(header(event, 'x-many')).toBe('a, b');
    expect(header(event, 'cookie')).toBeUndefined();
    expect([headerText(event, 'x-many'), headerText(event, 'cookie')]).toEqual(['a, b', '']);
  });

  it('may come with single-value headers only, or with none at all', () => {
    const single = { headers: { Accept: 'x' }, multiValueHeaders: null } as unknown as ApiEvent;
    const none = {
      headers: null,
      multiValueHeaders: null,
      multiValueQueryStringParameters: null,
    } as unknown as ApiEvent;

    expect(header(single, 'accept')).toBe('x');
    expect(header(none, 'accept')).toBeUndefined();
    expect(queryPairs(none)).toEqual([]);
    expect(payerOf({ pathParameters: null } as ApiEvent)).toBe('');
  });

  it('may name a header without a value, which leaves the single-value one', () => {
    const event = { headers: { Accept: 'x' }, multiValueHeaders: { Accept: undefined } } as unknown as ApiEvent;

    expect(header(event, 'accept')).toBe('x');
  });

  it('keeps repeated query parameters', () => {
    expect(queryPairs(apiEvent('/x', { query: 'a=1&b=2&a=3' }))).toEqual([
      ['a', '1'],
      ['a', '3'],
      ['b', '2'],
    ]);
    const odd = { multiValueQueryStringParameters: { a: undefined } } as unknown as ApiEvent;
    expect(queryPairs(odd)).toEqual([]);
  });
});

describe('parameters', () => {
  it('that are empty count as omitted, but a second one is a repetition', () => {
    const { values, repeated } = parameters([
      ['a', ''],
      ['b', '1'],
      ['b', ''],
    ]);

    expect([...values]).toEqual([['b', '1']]);
    expect([...repeated]).toEqual(['b']);
  });

  it('sent more than once are refused by name', () => {
    expect(() => checkNotRepeated(parameters([['scope', '1']]))).not.toThrow();
    expect(() =>
      checkNotRepeated(
        parameters([
          ['scope', '1'],
          ['scope', '1'],
        ]),
      ),
    ).toThrow(
      expect.objectContaining({
        code: 'invalid_request',
        status: 400,
        publicMessage: 'scope must not be sent more than once.',
      }),
    );
  });
});

describe('a method that is not allowed', () => {
  it('is refused with the allowed ones, for a person and for a client', () => {
    const refusal = { code: 'method_not_allowed', status: 405 };

    expect(() => checkMethod(apiEvent('/x', { method: 'POST' }), ['GET', 'POST'])).not.toThrow();
    expect(() => checkMethod(apiEvent('/x', { method: 'PUT' }), ['GET', 'POST'])).toThrow(
      expect.objectContaining({ ...refusal, publicMessage: 'Use GET or POST.', headers: { Allow: 'GET, POST' } }),
    );
    expect(() => checkMethod(apiEvent('/x'), ['POST'])).toThrow(
      expect.objectContaining({ ...refusal, publicMessage: 'Use POST.', headers: { Allow: 'POST' } }),
    );
  });
});

const formHeaders = { 'Content-Type': 'Application/X-WWW-Form-Urlencoded ; charset=UTF-8' };
const formEvent = (form: string) => apiEvent('/x', { method: 'POST', headers: formHeaders, form });
const inBase64 = (bytes: Uint8Array | string) => ({
  ...formEvent(Buffer.from(bytes).toString('base64')),
  isBase64Encoded: true,
});

describe('a form', () => {
  it('without a body is empty', () => {
    expect(readFormPairs(apiEvent('/x', { headers: formHeaders }))).toEqual([]);
    expect(readFormPairs({ ...apiEvent('/x', { headers: formHeaders }), isBase64Encoded: true })).toEqual([]);
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
      expect(readFormPairs(formEvent(text))).toHaveLength(1);
      expect(readFormPairs(inBase64(text))).toHaveLength(1);
      for (const longer of [formEvent(`${text}x`), inBase64(`${text}x`)]) {
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
    const huge = { ...formEvent(''), isBase64Encoded: true, body: '%'.repeat(10_000_000) };

    expect(() => readFormPairs(huge)).toThrow(expect.objectContaining({ status: 413 }));
  });
});

const read = (...values: string[]) => {
  const event = apiEvent('/x');
  event.multiValueHeaders['cookie'] = values;
  return Object.fromEntries(readCookies(event));
};

describe('cookies', () => {
  it('are read from one header or several; the first of a name counts, and malformed ones are skipped', () => {
    expect(read('a=1; b=2=3; a=4; none; =5')).toEqual({ a: '1', b: '2=3' });
    expect(read('a=1', 'b=2')).toEqual({ a: '1', b: '2' });
    expect(readCookies(apiEvent('/x')).size).toBe(0);
  });

  it('are split at semicolons alone, with no space or several between them', () => {
    expect(read('a=1;b=2;  c=3,d=4')).toEqual({ a: '1', b: '2', c: '3,d=4' });
  });

  it('end with their own header, whatever the letter case of its name', () => {
    const event = apiEvent('/x');
    event.multiValueHeaders = { Cookie: ['a=1', '__Host-b=2'], COOKIE: ['c=3'], 'X-Cookie': ['d=4'] };

    expect(Object.fromEntries(readCookies(event))).toEqual({ a: '1', '__Host-b': '2', c: '3' });
  });

  it.each(['a=1,__Host-b=2', 'a=1, __Host-b=2', 'a,__Host-b=2', 'a=1,; c=,__Host-b=2', 'a="1, __Host-b=2"'])(
    'have no name of ours from inside another cookie, which a sibling domain may write: %s',
    (sent) => {
      expect(Object.keys(read(sent))).not.toContain('__Host-b');
    },
  );

  it('of ours are hidden from scripts, for this host and https only, and of limited age', () => {
    expect(hostCookie('x', 'v', 600)).toBe('__Host-x=v; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600');
  });

  it('are deleted with the same attributes, since a browser would keep them otherwise', () => {
    expect(clearCookie('x')).toBe('__Host-x=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0');
  });
});

const cloudFrontId = 'x3kFv9-Qm_7Zt1Yw8Lr2Bd6Nc4Hj0Ks5Pg3Ua9Ve1Xi7Oq==';
const asked = (headers: Record<string, string>): ApiEvent => apiEvent('/oauth2/token', { headers });

describe('what CloudFront says about a request', () => {
  it.each([
    ['198.51.100.7:46532', '198.51.100.7'],
    ['2001:db8::7:8443', '2001:db8::7'],
    ['[2001:db8::7]:8443', undefined],
    ['198.51.100.7', undefined],
    ['Mayte Venegas:1', undefined],
    ['', undefined],
  ])('is the address of %j, without its port and only in the form of one', (value, address) => {
    expect(edgeFacts(asked({ 'CloudFront-Viewer-Address': value })).address).toBe(address);
  });

  it('is its request id, which its own log has too', () => {
    expect(edgeFacts(asked({ 'X-Amz-Cf-Id': cloudFrontId }))).toEqual({ edgeRequestId: cloudFrontId });
    expect(edgeFacts(asked({ 'X-Amz-Cf-Id': 'short' }))).toEqual({});
    expect(edgeFacts(asked({}))).toEqual({});
  });

  const recordFor = async (behindEdge?: boolean) => {
    const { deps } = testDeps();
    const event = asked({ 'CloudFront-Viewer-Address': '198.51.100.7:46532', 'X-Amz-Cf-Id': cloudFrontId });
    const { before } = recordRequest({ ...deps, ...(behindEdge === undefined ? {} : { behindEdge }) }, 'token');
    const context = { awsRequestId: 'x' };
    await before?.({ event, context } as never);
    return (context as unknown as RequestContext).record;
  };

  it('is logged only behind an edge, since any caller can send these headers', async () => {
    expect(await recordFor(true)).toMatchObject({ address: '198.51.100.7', edgeRequestId: cloudFrontId });
    for (const behindEdge of [false, undefined]) {
      expect(await recordFor(behindEdge)).not.toHaveProperty('address');
      expect(await recordFor(behindEdge)).not.toHaveProperty('edgeRequestId');
    }
  });
});

describe('a public address', () => {
  it.each(['1.1.1.1', '93.184.216.34', '172.15.255.255', '172.32.0.0', '100.63.0.1', '100.128.0.0', '223.255.255.255'])(
    'is %s',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );
  it.each(['2600:1f18::1', '2a00:1450:4001::1', '3ffe::1', '2001:200::1'])('is %s', (address) =>
    expect(isPublicAddress(address)).toBe(true),
  );
  it.each([
    ...words(`
      0.1.2.3 10.255.255.255 100.64.0.0 100.127.255.255 127.255.255.255 169.254.0.1 172.31.255.255 192.0.0.8 192.0.2.1
      192.88.99.1 192.168.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1
      ::ffff:1.1.1.1 64:ff9b::101:101 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:101:101::1 3fff::1 fc00::1 fe80::1
      fe80::1%eth0 fec0::1 ff02::1 localhost app.example.org 1.1.1
    `),
    '',
  ])('is not %s', (address) => expect(isPublicAddress(address)).toBe(false));
});

describe('a URL', () => {
  it.each(
    words(`
    https://localhost/ https://a.localhost:1/ https://localhost./ https://[::1]/ https://0x7f000001/
    https://fhir/ https://fhir.plan.internal/ https://fhir.plan.local./ https://fhir.home.arpa/ https://a.corp/ https://a.onion/
  `),
  )('names a private address: %s', (url) => expect(namesPrivateAddress(url)).toBe(true));
  it.each(
    words(`
    https://app.example.org/ https://a.notlocalhost/ https://localhost.example.org/ https://internal.example.org/
    https://a.arpa/ https://a.notlocal/ https://1.1.1.1/ https://[2600::1]/
  `),
  )('names none: %s', (url) => expect(namesPrivateAddress(url)).toBe(false));
  it.each(
    words(`
    http://localhost:1/ http://a.localhost/ http://127.0.0.1/ http://127.9.9.9/ http://2130706433/ http://[::1]/
    http://[0:0:0:0:0:0:0:1]/
  `),
  )('names this machine: %s', (url) => expect(namesThisMachine(url)).toBe(true));
  it.each(
    words(`
    http://127.example.org/ http://127.0.0.1.example.org/ http://localhost.example.org/ http://10.0.0.1/ http://[::2]/
    http://1.1.1.1/
  `),
  )('names another: %s', (url) => expect(namesThisMachine(url)).toBe(false));
});
