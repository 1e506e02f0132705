import type { IncomingMessage } from 'node:http';
import { isBinary, proxyEvent, type EventSource } from '../../sandbox/aws/proxy-event.ts';

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
