import { markup } from './sound-answer.ts';

/** A request as bytes. `close` keeps the connection from staying open. */
const message = (start: string, headers: readonly string[] = [], body = ''): string =>
  [start, 'Host: localhost', 'Connection: close', ...headers, '', body].join('\r\n');

const get = (target: string, headers: readonly string[] = []): string => message(`GET ${target} HTTP/1.1`, headers);
const post = (target: string, body: string, headers: readonly string[] = []): string =>
  message(`POST ${target} HTTP/1.1`, ['Content-Type: application/x-www-form-urlencoded', ...headers], body);

const smuggled = 'GET /r4/northwind/Patient/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n';
const form = 'grant_type=authorization_code&code=x';

const all = (origin: string, bearer: string): Readonly<Record<string, readonly string[]>> => ({
  'request smuggling (RFC 9112 §6.3, CWE-444)': [
    post('/oauth2/token', `0\r\n\r\n${smuggled}`, ['Content-Length: 6', 'Transfer-Encoding: chunked', bearer]),
    post('/oauth2/token', `0\r\n\r\n${smuggled}`, ['Transfer-Encoding: chunked', 'Content-Length: 6', bearer]),
    post('/oauth2/token', smuggled, ['Content-Length: 0', 'Content-Length: 60', bearer]),
    post('/oauth2/token', smuggled, ['Content-Length: 0, 60', bearer]),
    post('/oauth2/token', smuggled, ['Content-Length: +0', bearer]),
    post('/oauth2/token', smuggled, ['Content-Length: -1', bearer]),
    post('/oauth2/token', smuggled, ['Content-Length: 0x3c', bearer]),
    post('/oauth2/token', smuggled, ['Content-Length : 60', bearer]),
    post('/oauth2/token', `0\r\n\r\n${smuggled}`, ['Transfer-Encoding: xchunked', bearer]),
    post('/oauth2/token', `0\r\n\r\n${smuggled}`, ['Transfer-Encoding : chunked', bearer]),
    post('/oauth2/token', `0\r\n\r\n${smuggled}`, [
      'Transfer-Encoding:\tchunked',
      'Transfer-Encoding: identity',
      bearer,
    ]),
    post('/oauth2/token', `0\r\n\r\n${smuggled}`, ['X: y\r\n Transfer-Encoding: chunked', bearer]),
    post('/oauth2/token', `5;x=\n\r\n${form.slice(0, 5)}\r\n0\r\n\r\n`, ['Transfer-Encoding: chunked']),
    post('/oauth2/token', `ffffffffffffffff\r\nx\r\n0\r\n\r\n`, ['Transfer-Encoding: chunked']),
    post('/oauth2/token', `-1\r\nx\r\n0\r\n\r\n`, ['Transfer-Encoding: chunked']),
    get('/r4/northwind/Patient', [bearer, 'Content-Length: 60', '', smuggled]),
    get('/r4/northwind/Patient', [bearer, 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA']),
  ],
  'line breaks (CWE-113)': [
    get('/r4/northwind/Patient\r\nX-Injected: 1', [bearer]),
    get('/r4/northwind/Patient%0d%0aX-Injected:%201', [bearer]),
    get('/r4/northwind/Patient?_id=x%0d%0aX-Injected:%201', [bearer]),
    get('/r4/northwind/metadata/?x=%0d%0aX-Injected:%201'),
    get('/r4/northwind//metadata?x=%0d%0aX-Injected:%201&y=%E5%98%8A%E5%98%8D'),
    get('/r4/%0d%0aX-Injected:%201//metadata'),
    get('/oauth2/authorize/northwind?client_id=demo-partner&state=%0d%0aX-Injected:%201'),
    get('/r4/northwind/Patient', [`${bearer}\nX-Injected: 1`]),
    get('/r4/northwind/Patient', [`${bearer}\rX-Injected: 1`]),
    get('/r4/northwind/Patient', [bearer, 'Accept-Language: a\x00b']),
    get('/r4/northwind/Patient', [bearer, 'Origin: http://localhost:3002%0d%0aX-Injected: 1']),
    get('/r4/northwind/Patient', [bearer, 'Prefer: \xff\xfe']),
  ],
  'odd targets (RFC 9112 §3.2)': [
    get(`${origin}/r4/northwind/Patient`, [bearer]),
    get('http://evil.example/r4/northwind/Patient', [bearer]),
    get('http://user@localhost/r4/northwind/Patient', [bearer]),
    get('//evil.example/r4/northwind/Patient', [bearer]),
    get('/r4/northwind//evil.example/Patient', [bearer]),
    get('*', [bearer]),
    get('', [bearer]),
    get('r4/northwind/Patient', [bearer]),
    get('/r4/northwind/Patient#x', [bearer]),
    get('/r4/northwind/../../oauth2/token', [bearer]),
    get('/r4/northwind/%2e%2e/%2e%2e/etc/passwd', [bearer]),
    get('/r4/northwind/Patient/%', [bearer]),
    get('/r4/northwind/Patient/%zz', [bearer]),
    get('/r4/northwind/Patient/%ff', [bearer]),
    get('/r4/northwind/Patient/%c0%af', [bearer]),
    get('/r4/northwind/Patient/%ed%a0%80', [bearer]),
    get('/r4/%ed%a0%80//metadata'),
    get('/r4/northwind/Patient/\xe9', [bearer]),
    get('/r4/northwind/Patient?%ff=%ff&__proto__=1&constructor=1', [bearer]),
    get(`/r4/northwind/Patient?${'a=1&'.repeat(2000)}`, [bearer]),
    get(`/oauth2/authorize/${encodeURIComponent(markup)}?redirect_uri=${encodeURIComponent(markup)}`),
    get(`/${encodeURIComponent(markup)}`),
    'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\nConnection: close\r\n\r\n',
    message('OPTIONS * HTTP/1.1'),
    message('TRACE /r4/northwind/Patient HTTP/1.1', [bearer]),
    message('PROPFIND /r4/northwind/Patient HTTP/1.1', [bearer]),
    message('GET /r4/northwind/Patient HTTP/9.9', [bearer]),
    'GET /r4/northwind/Patient HTTP/1.0\r\n\r\n',
    'GET /r4/northwind/Patient\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    '\r\n\r\n\r\n',
  ],
  'huge and repeated headers': [
    get('/r4/northwind/Patient', [bearer, `X: ${'x'.repeat(9000)}`]),
    get('/r4/northwind/Patient', [bearer, `X: ${'x'.repeat(20_000)}`]),
    get('/r4/northwind/Patient', [bearer, `X: ${'x'.repeat(200_000)}`]),
    get('/r4/northwind/Patient', [bearer, ...Array.from({ length: 3000 }, (_none, index) => `X${index}: y`)]),
    get(`/r4/northwind/Patient?x=${'x'.repeat(100_000)}`, [bearer]),
    get('/r4/northwind/Patient', [bearer, bearer]),
    get('/r4/northwind/Patient', [bearer, 'Host: evil.example']),
    get('/r4/northwind/Patient', [bearer, 'Host: ']),
    get('/r4/northwind/Patient', [bearer, 'Accept: application/fhir+json', 'Accept: text/html', 'Accept: \x80']),
    get('/r4/northwind/Patient', [bearer, 'Expect: 100-continue']),
    get('/r4/northwind/Patient', [bearer, 'Expect: something-else']),
    get('/r4/northwind/Patient', [bearer, 'Connection: Authorization', 'TE: trailers', 'Trailer: Authorization']),
    get('/r4/northwind/Patient', [
      bearer,
      'X-Forwarded-Host: evil.example',
      'X-Original-URL: /r4/northwind/Patient/smuggled',
      'X-Amzn-RequestId: x',
    ]),
    get('/r4/northwind/Patient', [bearer, `Cookie: ${'a=b; '.repeat(1500)}`]),
    get('/r4/northwind/Patient', [bearer, '__proto__: x', 'constructor: x', ': x', ' : x']),
    get('/r4/northwind/Patient', [bearer, 'A B: c']),
  ],
  'odd bodies': [
    post('/oauth2/token', form, ['Content-Length: 10']),
    post('/oauth2/token', form, [`Content-Length: ${form.length}`, 'Content-Encoding: gzip']),
    post('/oauth2/token', '\xff\xfe\x00', ['Content-Length: 3']),
    post('/oauth2/token', 'a=%&b=%zz&__proto__=x', ['Content-Length: 21']),
    post('/r4/northwind/Patient/_search', '_id=smuggled', ['Content-Length: 12', bearer]),
    post('/r4/northwind/Patient/_search', '%', ['Content-Length: 1', bearer]),
    post('/oauth2/revoke', `token=${'x'.repeat(5000)}`, ['Content-Length: 5006']),
    post('/oauth2/token', '{}', ['Content-Length: 2', 'Content-Type: application/json']),
  ],
});

/**
 * Requests that only a socket can send, by kind, to the gateway of this origin: it answers no other host. `bearer` is the
 * Authorization header of a live grant.
 */
export const rawRequests = (origin: string, bearer: string): ReturnType<typeof all> =>
  Object.fromEntries(
    Object.entries(all(origin, bearer)).map(([kind, some]) => [
      kind,
      some.map((bytes) => bytes.replaceAll('Host: localhost\r\n', `Host: ${new URL(origin).host}\r\n`)),
    ]),
  );
