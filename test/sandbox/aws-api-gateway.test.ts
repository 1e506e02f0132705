import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gatewayAnswer, substitute } from '../../sandbox/aws/gateway-responses.ts';
import { isBinary, proxyEvent, type EventSource } from '../../sandbox/aws/proxy-event.ts';
import { readBuffered, readPrelude, streamedAnswer, unpaced } from '../../sandbox/aws/proxy-response.ts';
import { routerOf } from '../../sandbox/aws/routing.ts';
import type { GatewayResponseSpec } from '../../sandbox/aws/template-data.ts';
import { words } from '../support/words.ts';

const route = (path: string, method = 'ANY') => ({ path, method, functionName: '', streaming: false, timeoutMs: 1 });
const find = routerOf([
  route('/r4/{payer}/{proxy+}'),
  route('/r4/{payer}/metadata/{more}'),
  route('/r4/demo/{proxy+}'),
  route('/r4/demo'),
  route('/r4/{payer}'),
  route('/r4/{payer}/metadata'),
  route('/r4/{payer}/.well-known/smart-configuration'),
  route('/oauth2/token'),
  route('/only-get', 'GET'),
  route('/both', 'GET'),
  route('/both'),
  route('/{any}', 'POST'),
]);

describe('the router', () => {
  it.each([
    ['/r4/x', '/r4/{payer}', { payer: 'x' }],
    ['/r4/x/', '/r4/{payer}', { payer: 'x' }],
    ['/r4/x/metadata', '/r4/{payer}/metadata', { payer: 'x' }],
    ['/r4/x/metadata/', '/r4/{payer}/metadata', { payer: 'x' }],
    ['/r4/x/metadata/more', '/r4/{payer}/metadata/{more}', { payer: 'x', more: 'more' }],
    ['/r4/x/metadata/more/still', '/r4/{payer}/{proxy+}', { payer: 'x', proxy: 'metadata/more/still' }],
    ['/r4/demo', '/r4/demo', {}],
    // From the left: an earlier exact segment wins over a later one.
    ['/r4/demo/metadata', '/r4/demo/{proxy+}', { proxy: 'metadata' }],
    ['/r4/x/.well-known/other', '/r4/{payer}/{proxy+}', { payer: 'x', proxy: '.well-known/other' }],
    ['/r4/x/Patient/1/_history/2', '/r4/{payer}/{proxy+}', { payer: 'x', proxy: 'Patient/1/_history/2' }],
    ['/r4/x/Patient/a%2Fb', '/r4/{payer}/{proxy+}', { payer: 'x', proxy: 'Patient/a/b' }],
    // Decoded once, and a plus sign is no space in a path.
    ['/r4/x/Patient/a%252Fb', '/r4/{payer}/{proxy+}', { payer: 'x', proxy: 'Patient/a%2Fb' }],
    ['/r4/x/Patient/%25%32%46+b', '/r4/{payer}/{proxy+}', { payer: 'x', proxy: 'Patient/%2F+b' }],
    ['/r4/x%2Fmetadata', '/r4/{payer}', { payer: 'x/metadata' }],
    ['/r4/%2E%2E/metadata', '/r4/{payer}/metadata', { payer: '..' }],
    ['/r4/x/Patient//1', '/r4/{payer}/{proxy+}', { payer: 'x', proxy: 'Patient//1' }],
    ['/oauth2/token/', '/oauth2/token', {}],
  ])('sends %s to %s', (path, expected, parameters) => {
    const match = find('GET', path);
    expect(match?.route.path).toBe(expected);
    expect(match?.pathParameters).toEqual(parameters);
  });

  it.each(
    words(`
    / /r4 /r4/ /oauth2/token/x /oauth2/token// /oauth2/%74oken /OAUTH2/token /r4x //oauth2/token /r4//metadata
    /r4//Patient
  `),
  )('sends %s nowhere', (path) => {
    expect(find('GET', path)).toBeUndefined();
  });

  it('sends the root to its own route only', () => {
    const withRoot = routerOf([route('/'), route('/{any}')]);
    expect(withRoot('GET', '/')?.route.path).toBe('/');
    expect(withRoot('GET', '/x')?.route.path).toBe('/{any}');
    expect(withRoot('GET', '//')?.route.path).toBe('/');
  });

  it('takes a method of its own before ANY, and refuses one that the path does not have, though another pattern has it', () => {
    expect(find('GET', '/both')?.route.method).toBe('GET');
    expect(find('POST', '/both')?.route.method).toBe('ANY');
    expect(find('POST', '/only-get')).toBeUndefined();
    expect(find('POST', '/another')?.route.path).toBe('/{any}');
  });

  it('does not decode a broken escape', () => {
    expect(() => find('GET', '/r4/%zz')).toThrow(URIError);
  });
});

/** A request as Node provides it. */
const requestOf = (rawHeaders: readonly string[] = [], more: object = {}): IncomingMessage => {
  const pairs = rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1]] as const] : [],
  );
  return {
    method: 'GET',
    httpVersion: '1.1',
    rawHeaders,
    headers: Object.fromEntries(pairs),
    socket: { remoteAddress: '::ffff:192.0.2.7', localPort: 3000 },
    ...more,
  } as unknown as IncomingMessage;
};
const source: EventSource = {
  match: {
    route: { path: '/r4/{payer}/{proxy+}', method: 'ANY', functionName: 'f', streaming: false, timeoutMs: 1 },
    pathParameters: { payer: 'x', proxy: 'Patient/a%2Fb' },
  },
  path: '/r4/x/Patient/a%252Fb',
  query: '',
  body: Buffer.alloc(0),
  requestId: 'request-1',
  stageName: 'v1',
  binaryMediaTypes: ['image/*', 'application/pdf'],
};

describe('the event of a request', () => {
  it('has the path as sent, its parameters decoded once, and the stage and id of the request', () => {
    const event = proxyEvent(requestOf(['Host', 'api.example:3000']), source);
    expect(event).toMatchObject({
      path: '/r4/x/Patient/a%252Fb',
      pathParameters: { payer: 'x', proxy: 'Patient/a%2Fb' },
      requestContext: {
        path: '/r4/x/Patient/a%252Fb',
        stage: 'v1',
        requestId: 'request-1',
        domainName: 'api.example',
        identity: { sourceIp: '192.0.2.7' },
      },
    });
  });

  it('has the current time, in milliseconds', () => {
    const before = Date.now();
    const { requestTimeEpoch } = proxyEvent(requestOf(), source).requestContext;
    expect(requestTimeEpoch).toBeGreaterThanOrEqual(before);
    expect(requestTimeEpoch).toBeLessThanOrEqual(Date.now());
  });

  it('has headers as spelled, with every value, and the last value as the single one', () => {
    const event = proxyEvent(requestOf(['X-Two', '1', 'X-Two', '2', 'aCCept', 'text/html']), source);
    expect(event.multiValueHeaders).toMatchObject({ 'X-Two': ['1', '2'], aCCept: ['text/html'] });
    expect(event.headers).toMatchObject({ 'X-Two': '2', aCCept: 'text/html' });
  });

  it("has API Gateway's own facts about the connection instead of the caller's claims", () => {
    const sent = ['X-Forwarded-For', '203.0.113.9', 'x-forwarded-port', '1', 'X-FORWARDED-PROTO', 'https'];
    const { multiValueHeaders } = proxyEvent(requestOf([...sent, 'Connection', 'keep-alive']), source);
    expect(multiValueHeaders).toEqual({
      'X-Forwarded-For': ['203.0.113.9, 192.0.2.7'],
      'X-Forwarded-Port': ['3000'],
      'X-Forwarded-Proto': ['http'],
    });
  });

  it('has every value of the query, decoded, by name, and the last value as the single one', () => {
    const query = 'b=1&__proto__=2&constructor=3&a=x?y&b=%41+%26&empty';
    const { multiValueQueryStringParameters: values, queryStringParameters } = proxyEvent(requestOf(), {
      ...source,
      query,
    });
    expect(Object.entries(values ?? {})).toEqual([
      ['__proto__', ['2']],
      ['a', ['x?y']],
      ['b', ['1', 'A &']],
      ['constructor', ['3']],
      ['empty', ['']],
    ]);
    expect(queryStringParameters).toMatchObject({ a: 'x?y', b: 'A &', empty: '' });
  });

  it('has null for what the request lacks', () => {
    const match = { ...source.match, pathParameters: {} };
    expect(proxyEvent(requestOf(), { ...source, match })).toMatchObject({
      pathParameters: null,
      queryStringParameters: null,
      multiValueQueryStringParameters: null,
      stageVariables: null,
      body: null,
      isBase64Encoded: false,
      requestContext: { identity: { userAgent: null } },
    });
  });

  it.each<[type: string | undefined, body: string | null, isBase64Encoded: boolean]>([
    ['text/plain', 'é~>', false],
    ['image/png', 'w6l+Pg==', true],
    ['IMAGE/PNG', 'w6l+Pg==', true],
    ['application/pdf; version=1', 'w6l+Pg==', true],
    ['application/pdfx', 'é~>', false],
    [undefined, 'é~>', false],
  ])('with a body of type %s has it as %j, in base64: %j', (type, body, isBase64Encoded) => {
    const request = requestOf(type === undefined ? [] : ['Content-Type', type]);
    expect(proxyEvent(request, { ...source, body: Buffer.from('é~>') })).toMatchObject({ body, isBase64Encoded });
  });

  it('has no body, and no base64, if none was sent', () => {
    const event = proxyEvent(requestOf(['Content-Type', 'image/png', 'User-Agent', 'test']), source);
    expect(event.requestContext.identity.userAgent).toBe('test');
    expect(event).toMatchObject({ body: null, isBase64Encoded: false });
  });
});

it('every type is binary for an API that says */*, even a missing one', () => {
  expect([isBinary('text/plain', ['*/*']), isBinary(undefined, ['*/*'])]).toEqual([true, true]);
  expect([isBinary('text/plain', []), isBinary(undefined, ['image/*'])]).toEqual([false, false]);
});

const prelude = Buffer.from(JSON.stringify({ statusCode: 206, headers: { 'X-A': 'é\u0000 is escaped' } }));
const end = Buffer.alloc(8);
/** It contains NUL bytes itself, at its start and as many as end a prelude. */
const streamBody = Buffer.from('\0\0body\0\0\0\0\0\0\0\0more');
const whole = Buffer.concat([prelude, end, streamBody]);

const read = async (chunks: readonly Buffer[]) => {
  const payload = Readable.from(chunks, { objectMode: false });
  const head = await readPrelude(payload);
  return { head, body: await buffer(payload) };
};
const wholeRead = {
  head: { status: 206, headers: { 'x-a': 'é\u0000 is escaped', 'content-type': 'application/json' } },
  body: streamBody,
};

describe("a stream's prelude and its eight NUL bytes", () => {
  it('may arrive in two chunks, cut anywhere', async () => {
    for (let cut = 1; cut < whole.length; cut += 1) {
      expect(await read([whole.subarray(0, cut), whole.subarray(cut)])).toEqual(wholeRead);
    }
  });

  it('may arrive byte by byte', async () => {
    expect(await read([...whole].map((byte) => Buffer.from([byte])))).toEqual(wholeRead);
  });

  it('may be the whole answer', async () => {
    expect(await read([prelude, end])).toEqual({ ...wholeRead, body: Buffer.alloc(0) });
  });

  it.each([
    ['seven NUL bytes', Buffer.concat([prelude, Buffer.alloc(7), Buffer.from('body')])],
    ['no prelude', Buffer.from('just a body')],
    ['64 KB without an end', Buffer.alloc(70_000, 'x')],
    ['nothing', Buffer.alloc(0)],
  ])('are missing where there is %s', async (_name, bytes) => {
    await expect(read([bytes])).rejects.toThrow('starts with a prelude and eight NUL bytes');
  });
});

it('a prelude without an end is given up after 64 KB, however much follows', async () => {
  let given = 0;
  const endless = Readable.from(
    (function* chunks() {
      for (;;) {
        given += 1;
        yield Buffer.alloc(1024, 'x');
      }
    })(),
    { objectMode: false, highWaterMark: 1024 },
  );
  await expect(readPrelude(endless)).rejects.toThrow('starts with a prelude');
  endless.destroy();
  expect(given).toBeGreaterThan(64);
  expect(given).toBeLessThan(70);
});

const buffered = (answer: unknown, binaryMediaTypes: readonly string[] = []) =>
  readBuffered(Readable.from([Buffer.from(JSON.stringify(answer))]), binaryMediaTypes);

describe('a buffered answer', () => {
  it('has lower-case header names, numbers and booleans as text, and no header with another value', async () => {
    const headers = { 'X-One': 'a', 'X-Number': 7, 'X-Flag': true, 'X-Null': null, 'X-List': ['a'] };
    expect((await buffered({ statusCode: '201', headers })).headers).toEqual({
      'x-one': 'a',
      'x-number': '7',
      'x-flag': 'true',
      'content-type': 'application/json',
    });
    expect((await buffered({ statusCode: '201' })).status).toBe(201);
  });

  it("keeps API Gateway's own names for API Gateway", async () => {
    const names = ['Connection', 'Content-Length', 'Date', 'Server', 'Transfer-Encoding', 'WWW-Authenticate'];
    const headers = Object.fromEntries(names.map((name) => [name, 'x']));
    const multiValueHeaders = { 'www-authenticate': ['Bearer', 'Basic'] };
    const sent = (await buffered({ statusCode: 200, headers, multiValueHeaders })).headers;
    expect(sent).toEqual({
      'x-amzn-remapped-connection': 'x',
      'x-amzn-remapped-content-length': 'x',
      'x-amzn-remapped-date': 'x',
      'x-amzn-remapped-server': 'x',
      'x-amzn-remapped-transfer-encoding': 'x',
      'x-amzn-remapped-www-authenticate': ['Bearer', 'Basic'],
      'content-type': 'application/json',
    });
  });

  it.each([
    ['no status', {}],
    ['half a status', { statusCode: 200.5 }],
    ['an informational status', { statusCode: 199 }],
    ['a status over 599', { statusCode: 600 }],
    ['a body that is not text', { statusCode: 200, body: { a: 1 } }],
    ['several values that are no list', { statusCode: 200, multiValueHeaders: { 'X-A': 'a' } }],
    ['a list in the place of an answer', []],
    ['nothing', null],
  ])('with %s is malformed', async (_name, answer) => {
    await expect(buffered(answer)).rejects.toMatchObject({ name: 'MalformedResponseError' });
  });

  it.each([
    ['binary and in base64', 'image/png', true, [0, 255, 254]],
    ['binary, and text', 'image/png', false, [65, 80, 47, 43]],
    ['in base64, and of a type that is not binary', 'text/plain', true, [65, 80, 47, 43]],
  ])('that is %s is sent as these bytes', async (_name, type, isBase64Encoded, bytes) => {
    const answer = { statusCode: 200, headers: { 'Content-Type': type }, isBase64Encoded, body: 'AP/+' };
    expect([...(await buffered(answer, ['image/*'])).body]).toEqual(bytes);
  });

  it('is accepted up to 6 MB', async () => {
    const envelope = JSON.stringify({ statusCode: 200, body: '' }).length;
    const most = 6 * 1024 * 1024 - envelope;
    expect((await buffered({ statusCode: 200, body: 'x'.repeat(most) })).body).toHaveLength(most);
    await expect(buffered({ statusCode: 200, body: 'x'.repeat(most + 1) })).rejects.toThrow('larger than 6 MB');
  });
});

const streamed = async (sizes: readonly number[], limit: number): Promise<number[]> => {
  const passed: number[] = [];
  const payload = Readable.from(sizes.map((size) => Buffer.alloc(size)));
  for await (const chunk of streamedAnswer(payload, { limit })) passed.push(chunk.length);
  return passed;
};

it("a streamed answer passes up to Lambda's limit, and is cut beyond it", async () => {
  expect(await streamed([4, 6], 10)).toEqual([4, 6]);
  await expect(streamed([4, 6, 1], 10)).rejects.toThrow('larger than 200 MB');
});

it('a streamed answer that is silent for five minutes is cut, and one that speaks in time is not', async () => {
  const never = async function* () {
    yield Buffer.from('half');
    await new Promise(() => {});
  };
  const slow = async function* () {
    for (const word of ['a', 'b', 'c']) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      yield Buffer.from(word);
    }
  };
  const all = async (chunks: AsyncIterable<Buffer>, silenceMs: number): Promise<string> => {
    let text = '';
    for await (const chunk of streamedAnswer(chunks, { silenceMs })) text += String(chunk);
    return text;
  };
  await expect(all(never(), 20)).rejects.toThrow('silent for too long');
  expect(await all(slow(), 5000)).toBe('abc');
});

it('a streamed answer comes at 2 MB a second after its first 6 MB, as AWS says', async () => {
  const startedMs = performance.now();
  const lastMs: number[] = [];
  const sizes = [6 * 1024 * 1024, 256 * 1024, 256 * 1024];
  for await (const _ of streamedAnswer(Readable.from(sizes.map((size) => Buffer.alloc(size)))))
    lastMs.push(performance.now() - startedMs);

  const [first, second, third] = lastMs as [number, number, number];
  // At that pace they alone would take 3 seconds.
  expect(first).toBeLessThan(2000);
  expect(second - first).toBeGreaterThan(120);
  expect(third - first).toBeGreaterThan(245);
});

it('a streamed answer has 200 MB at most', async () => {
  const megabyte = Buffer.alloc(1024 * 1024);
  const most = Array.from({ length: 200 }, () => megabyte);
  const passed = async (chunks: readonly Buffer[]): Promise<number> => {
    let bytes = 0;
    for await (const chunk of streamedAnswer(Readable.from(chunks), { pace: unpaced })) bytes += chunk.length;
    return bytes;
  };
  expect(await passed(most)).toBe(200 * 1024 * 1024);
  await expect(passed([...most, Buffer.alloc(1)])).rejects.toThrow('larger than 200 MB');
});

const specOf = (type: string, more: Partial<GatewayResponseSpec> = {}): GatewayResponseSpec => ({
  type,
  headers: {},
  templates: { 'application/json': `{"spec":"${type}"}` },
  ...more,
});
const tooLarge = { type: 'REQUEST_TOO_LARGE', status: 413, message: 'It is "too" long' };
const answer = (own: typeof tooLarge, specs: readonly GatewayResponseSpec[], headers: Record<string, string> = {}) =>
  gatewayAnswer(own, { headers } as IncomingMessage, specs, { requestId: 'r-1' });

describe('a response of API Gateway itself', () => {
  it.each([
    [413, ['DEFAULT_4XX', 'REQUEST_TOO_LARGE'], 'REQUEST_TOO_LARGE'],
    [413, ['DEFAULT_5XX', 'DEFAULT_4XX'], 'DEFAULT_4XX'],
    [499, ['DEFAULT_5XX', 'DEFAULT_4XX'], 'DEFAULT_4XX'],
    [500, ['DEFAULT_4XX', 'DEFAULT_5XX'], 'DEFAULT_5XX'],
  ])('with %i is, of %j, the one of its own type or else of its class', (status, types, expected) => {
    const { body } = answer(
      { ...tooLarge, status },
      types.map((type) => specOf(type)),
    );
    expect(body).toBe(`{"spec":"${expected}"}`);
  });

  it('is its message in JSON if the stack defines none', () => {
    expect(answer(tooLarge, [])).toEqual({
      status: 413,
      headers: { 'content-type': 'application/json' },
      body: String.raw`{"message":"It is \"too\" long"}`,
    });
    expect(answer(tooLarge, [specOf('DEFAULT_4XX', { templates: {} })]).body).toContain('"message"');
  });

  it('has the status that the stack defines', () => {
    expect(answer(tooLarge, [specOf('REQUEST_TOO_LARGE', { status: 400 })]).status).toBe(400);
  });

  it('has headers from literals, the context or the request, and omits those without a value', () => {
    const headers = {
      literal: "'it''s'",
      id: 'context.requestId',
      missing: 'context.nothing',
      origin: 'method.request.header.Origin',
      'not-sent': 'method.request.header.X-None',
      'content-type': "'application/problem+json'",
    };
    expect(answer(tooLarge, [specOf('DEFAULT_4XX', { headers })], { origin: 'https://a.example' }).headers).toEqual({
      literal: "it''s",
      id: 'r-1',
      origin: 'https://a.example',
      'content-type': 'application/problem+json',
    });
  });

  it.each([
    [undefined, 'json'],
    ['*/*', 'json'],
    ['text/html', 'html'],
    ['text/html;q=0.9, application/json', 'html'],
    ['application/json, text/html', 'json'],
    ['toString', 'json'],
  ])('for Accept %s is the %s of the two templates', (accept, expected) => {
    const templates = { 'text/html': 'html', 'application/json': 'json' };
    const spec = specOf('DEFAULT_4XX', { templates });
    expect(answer(tooLarge, [spec], accept === undefined ? {} : { accept }).body).toBe(expected);
  });
});

it('an unknown variable is replaced with the given placeholder, or with nothing', () => {
  expect(substitute('$context.a.b $context.c.', { 'a.b': 'x' }, '-')).toBe('x -.');
  expect(substitute('[$context.c]', {})).toBe('[]');
});
