import { declaredBytes, mostStreamedBytes } from '../../../functions/fetch/answer-limit.ts';
import { jsonDocument } from '../../../functions/fetch/json-document.ts';
import { createLinkRewriter } from '../../../functions/shared/fhir/rewrite-links.ts';
import { UnusableAnswer } from '../../../functions/shared/payer/decode-body.ts';
import { readEventWriter } from '../../../functions/shared/record/audit-read.ts';
import { signalsOf } from '../../support/embedded-metrics.ts';
import { fetchGateway, fhir, issueOf, read } from '../../support/fetch-gateway.ts';
import { withPayer } from '../../support/login.ts';
import { words } from '../../support/words.ts';

const base = 'http://127.0.0.1:3003/r4';
const ours = 'http://localhost:3000/r4/northwind';

const answered = async (response: Response | Promise<Response>, path = 'Patient', accept?: string) => {
  const test = fetchGateway();
  const { token } = await test.grant();
  test.payer.http = async () => response;
  const headers: Record<string, string> = accept === undefined ? {} : { Accept: accept };
  const answer = await read(test.deps, path, token, { headers });
  return { answer, test, log: test.log()[0] ?? {} };
};
const html = (status: number, text = '<html>health data</html>') =>
  new Response(text, { status, headers: { 'content-type': 'text/html' } });

describe('a good answer', () => {
  it('has headers from an allow-list', async () => {
    const { answer } = await answered(
      fhir({}, { headers: { etag: 'W/"1"', 'last-modified': 'x', 'set-cookie': 'a=b', server: 'HAPI', 'x-id': '1' } }),
    );
    expect(answer.headers).toEqual({
      'Cache-Control': 'no-store',
      'Content-Type': 'application/fhir+json; charset=utf-8',
      'X-Content-Type-Options': 'nosniff',
      ETag: 'W/"1"',
      'Last-Modified': 'x',
      RateLimit: '"partner";r=99;t=1',
      'RateLimit-Policy': '"partner";q=100;w=2',
      Vary: 'Origin',
    });
  });

  it.each([
    ['the base', base, ours],
    ['a resource', `${base}/Patient/1/_history/2`, `${ours}/Patient/1/_history/2`],
    ['a query', `${base}?_getpages=1`, `${ours}?_getpages=1`],
    ['an alias', 'http://internal:8080/fhir/Patient/1', `${ours}/Patient/1`],
    ['a neighbor of the base', `${base}x/Patient/1`, `${base}x/Patient/1`],
    ['another host', 'https://elsewhere.example/Patient/1', 'https://elsewhere.example/Patient/1'],
    ['a base in capitals', `${base.toUpperCase().replace('/R4', '/r4')}/Patient/1`, `${ours}/Patient/1`],
  ])(
    "has Location and Content-Location of %s below our base if they were below the payer's",
    async (_name, url, to) => {
      const test = fetchGateway();
      const { token } = await test.grant();
      test.payer.http = async () => fhir({}, { headers: { location: url, 'content-location': url } });
      const deps = test.reconfigured(withPayer('northwind', { fhirBaseUrlAliases: ['http://internal:8080/fhir'] }));
      const { headers } = await read(deps, 'Patient', token);
      expect(headers).toMatchObject({ Location: to, 'Content-Location': to });
    },
  );

  // API Gateway: 10,240 bytes of headers in all. Node takes 16 KB of the payer's, and bytes that no header should have.
  it.each([
    ['of 1,000 characters', 1000, '', true],
    ['of 1,001', 1001, '', false],
    ['with a byte beyond ASCII', 60, '\u00e9', false],
    ['with a tab', 60, '\t', false],
  ])('passes a header of the payer’s on only if it is short and plain: %s', async (_name, length, odd, isPassed) => {
    const valueOf = (start: string) => `${start}x${odd}`.padEnd(length, 'x');
    const names = {
      etag: 'ETag',
      'last-modified': 'Last-Modified',
      location: 'Location',
      'content-location': 'Content-Location',
    };
    const location = valueOf('https://elsewhere.example/');
    const plain = valueOf('');
    const sent = { etag: plain, 'last-modified': plain, location, 'content-location': location };
    const { answer } = await answered(fhir({}, { headers: sent }));
    expect(answer.statusCode).toBe(200);
    expect(Object.keys(answer.headers).filter((name) => Object.values(names).includes(name))).toEqual(
      isPassed ? Object.values(names) : [],
    );
    const type = valueOf('application/pdf; name=');
    const { answer: document } = await answered(
      new Response('%PDF', { headers: { 'content-type': type } }),
      'Binary/1',
      'application/pdf',
    );
    expect(document.headers['Content-Type']).toBe(isPassed ? type : 'application/octet-stream');
  });

  it.each([
    'application/json',
    'Application/FHIR+JSON ; charset=utf8',
    'application/json;charset=us-ascii',
    'application/fhir+json;charset=UTF-8',
    'application/fhir+json; charset="utf-8"',
  ])('may have the content type %s', async (type) => {
    const { answer } = await answered(fhir({}, { headers: { 'content-type': type } }));
    expect(answer).toMatchObject({ statusCode: 200, text: '{}' });
  });

  it.each([
    ...['', ' ', ...words(`{ {"reference":"http {"fullUrl":"${base} {"reference":"http:\\ [{}, [{} {"a":"}`)].map(
      (text) => ['INCOMPLETE_JSON', text],
    ),
    ...['\x1f\x8b\b', '<html></html>', '"text"', '{}{}', '{} x', '[]]'].map((text) => ['NOT_JSON', text]),
  ])('that is not one whole JSON document is cut: %s, %j', async (fault, text) => {
    const { answer, log } = await answered(fhir(text));
    expect(answer.error).toBeDefined();
    expect(log).toMatchObject({ outcome: 'failed', error: 'payer_error', detail: expect.stringContaining(fault) });
  });

  it.each(['\ufeff{}', ' [] \r\n', String.raw`{"a":"\\","b":["\"}"]}`])(
    'may have around it what JSON allows: %j',
    async (text) => {
      expect((await answered(fhir(text))).answer).toMatchObject({ text, error: undefined });
    },
  );
});

describe('a Binary', () => {
  it.each([
    ['application/pdf', 'application/pdf'],
    ['text/html', 'text/html'],
    ['application/json', 'application/json'],
    ['application/json; profile=application/fhir+json', 'application/json; profile=application/fhir+json'],
    ['application/fhir+json; charset=utf-16', 'application/fhir+json; charset=utf-16'],
  ])('of type %s reaches the partner unchanged, as an attachment that no browser runs', async (type, expected) => {
    const source = `{"reference":"${base}/Patient/1"}`;
    const response = new Response(source, { headers: { 'content-type': type } });
    const { answer } = await answered(response, 'Binary/b1', '*/*');
    expect(answer).toMatchObject({ text: source, error: undefined });
    expect(answer.headers).toMatchObject({
      'Content-Type': expected,
      'Content-Disposition': 'attachment',
      'Content-Security-Policy': "sandbox; default-src 'none'",
      'X-Content-Type-Options': 'nosniff',
    });
  });

  it('without a type is an octet stream', async () => {
    const { answer } = await answered(new Response(new Uint8Array([0, 255, 10])), 'Binary/b1', 'image/png');
    expect(answer.headers).toMatchObject({ 'Content-Type': 'application/octet-stream' });
    expect([...answer.body]).toEqual([0, 255, 10]);
  });

  it('as a FHIR resource is FHIR JSON with its links rewritten', async () => {
    const { answer } = await answered(fhir(`{"securityContext":{"reference":"${base}/Patient/1"}}`), 'Binary/b1');
    expect(answer.text).toBe(`{"securityContext":{"reference":"${ours}/Patient/1"}}`);
    expect(answer.headers['Content-Disposition']).toBeUndefined();
  });

  it.each(['Binary', 'Patient/patient-1'])('is what reads one Binary, not %s', async (path) => {
    expect((await answered(html(200), path)).answer.statusCode).toBe(502);
  });
});

it('an answer of 203, which a proxy in front of the payer has changed, is passed on as 200', async () => {
  const { answer, log } = await answered(fhir({ resourceType: 'Patient' }, { status: 203 }));
  expect([answer.statusCode, answer.json()]).toEqual([200, { resourceType: 'Patient' }]);
  expect(log).toMatchObject({ status: 200, payerStatus: 203 });
});

describe('a 204', () => {
  const nothing = (): Response => new Response(null, { status: 204 });

  it.each([
    ['Observation', { category: 'vital-signs' }, '?category=vital-signs'],
    ['Patient/patient-1/$everything', {}, ''],
  ])('to a search of %s is an empty searchset', async (path, query, asked) => {
    const test = fetchGateway();
    const { token } = await test.grant();
    test.payer.http = async () => nothing();

    const answer = await read(test.deps, path, token, { query: new URLSearchParams(query).toString() });

    expect([answer.statusCode, answer.headers['Content-Type']]).toEqual([200, 'application/fhir+json; charset=utf-8']);
    expect(answer.json()).toEqual({
      resourceType: 'Bundle',
      type: 'searchset',
      total: 0,
      link: [{ relation: 'self', url: `${ours}/${path}${asked}` }],
    });
  });

  it('to a read is 502', async () => {
    expect((await answered(nothing(), 'Patient/patient-1')).answer.statusCode).toBe(502);
  });
});

describe("the payer's refusals", () => {
  const outcome = (link = base) =>
    `{"resourceType":"OperationOutcome","issue":[{"code":"x","extension":[{"valueReference":{"reference":"${link}/Patient/1"}}]}]}`;

  it.each([400, 403, 404, 406, 410, 412, 422])('%i keeps its status and its OperationOutcome', async (status) => {
    const { answer, log } = await answered(fhir(outcome(), { status }));
    expect(answer).toMatchObject({ statusCode: status, text: outcome(ours) });
    expect(answer.headers).toMatchObject({
      'Content-Type': 'application/fhir+json; charset=utf-8',
      'Cache-Control': 'no-store',
    });
    expect(log).toMatchObject({ status, payerStatus: status });
  });

  it.each([
    ['\n\t {\r\n  "resourceType" : "OperationOutcome"\n}\n'],
    ['{"id":"1",\n"resourceType"\n:\n"OperationOutcome"}'],
  ])('may put white space into its OperationOutcome: %j', async (text) => {
    expect((await answered(fhir(text, { status: 404 }))).answer.text).toBe(text);
  });

  it('keeps an OperationOutcome of 64 KB, and no larger one', async () => {
    const sized = (bytes: number) => '{"resourceType":"OperationOutcome"}'.padEnd(bytes);
    const textOf = async (bytes: number) => (await answered(fhir(sized(bytes), { status: 404 }))).answer.text;

    expect((await textOf(65_536)).length).toBe(65_536);
    expect((await textOf(65_537)).length).toBeLessThan(500);
  });

  it.each([
    [404, 'not-found'],
    [410, 'not-found'],
    [403, 'forbidden'],
    [400, 'processing'],
  ])('%i without one gets ours, and nothing of its text', async (status, code) => {
    const tooLong = `{"resourceType":"OperationOutcome","x":"${'x'.repeat(70_000)}"}`;
    for (const response of [
      html(status),
      fhir('{"secret":1}', { status }),
      fhir('{', { status }),
      fhir('[{"resourceType":"OperationOutcome"}]', { status }),
      fhir('health data {"resourceType":"OperationOutcome"}', { status }),
      html(status, '{"resourceType":"OperationOutcome"}'),
      fhir(tooLong, { status }),
    ]) {
      const { answer } = await answered(response);
      expect(answer.statusCode).toBe(status);
      expect(issueOf(answer)).toMatchObject({ code, diagnostics: `The health plan refused the request (${status}).` });
      expect(answer.text.length).toBeLessThan(500);
    }
  });

  it.each([
    ['7', '7'],
    ['0', '1'],
    ['Mon, 01 Jun 2026 12:01:40 GMT', '100'],
    ['Mon, 01 Jun 2026 12:01:40 +0000', '100'],
    ['2026-06-01T12:01:40Z', '100'],
    ['Mon, 01 Jun 2020 12:00:00 GMT', '1'],
    ['Mon, 01 Jun 2099 12:00:00 GMT', '3600'],
    ['99999999999999999999', '3600'],
    ['soon', '30'],
    [undefined, '30'],
  ])(
    '429 and 503 with Retry-After %p are passed on as %s seconds, and a 403 with one is a 429',
    async (given, expected) => {
      const headers: Record<string, string> = given === undefined ? {} : { 'retry-after': given };
      for (const [status, code] of [
        [429, 'throttled'],
        [503, 'transient'],
      ] as const) {
        const { answer } = await answered(new Response('health data', { status, headers }));
        expect(answer).toMatchObject({ statusCode: status });
        expect(answer.headers['Retry-After']).toBe(expected);
        expect(issueOf(answer).code).toBe(code);
      }
      if (given === undefined) return;
      const { answer } = await answered(fhir(outcome(), { status: 403, headers }));
      expect([answer.statusCode, answer.headers['Retry-After']]).toEqual([429, expected]);
      expect(issueOf(answer).code).toBe('throttled');
    },
  );
});

describe('an answer that cannot be used', () => {
  const moved = (to: string, status = 302) => new Response('health data', { status, headers: { location: to } });
  it.each([
    ['a redirect to the metadata service', moved('http://169.254.169.254/latest/meta-data')],
    ['a redirect to another host', moved('https://elsewhere.example/r4/Patient', 307)],
    ['a redirect to its own base', moved(`${base}/Patient/1`, 301)],
    ['a 500', fhir({ resourceType: 'OperationOutcome' }, { status: 500 })],
    ['a 504', html(504)],
    ['a 202', fhir({}, { status: 202 })],
    ['a 206', fhir({}, { status: 206 })],
    ['a 304 to a read without a condition', new Response(null, { status: 304 })],
    ['HTML with 200', html(200)],
    ['XML with 200', new Response('<Bundle/>', { headers: { 'content-type': 'application/fhir+xml' } })],
    ['no content type', new Response(new Uint8Array([123, 125]))],
    ['a type that only looks similar', fhir({}, { headers: { 'content-type': 'application/json-seq' } })],
    [
      'a type that only names JSON',
      fhir({}, { headers: { 'content-type': 'multipart/mixed; type=application/json' } }),
    ],
    ...['utf-16', 'ISO-8859-1', '"iso-8859-1"', "'latin1'", ' windows-1252', 'utf-8; charset=utf-16'].map(
      (charset): [string, Response] => [
        `the charset ${charset}`,
        fhir({}, { headers: { 'content-type': `application/fhir+json; charset=${charset}` } }),
      ],
    ),
  ])('is 502: %s; the payer is asked once and nothing is passed on', async (_name, response) => {
    const { answer, test, log } = await answered(response);
    expect(answer.statusCode).toBe(502);
    expect(issueOf(answer).code).toBe('exception');
    expect(answer.text).not.toContain('health data');
    expect(answer.headers['Location']).toBeUndefined();
    expect(test.payer.requests.map(({ url }) => url)).toEqual([`${base}/Patient`]);
    expect(log).toMatchObject({ level: 'error', status: 502, error: 'payer_error', payerStatus: response.status });
  });

  it('is 503 if no connection could be made, with the cause in the log', async () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1'), { code: 'ECONNREFUSED' });
    const { answer, log } = await answered(Promise.reject(new TypeError('fetch failed', { cause })));
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['Retry-After']).toBe('30');
    expect(log).toMatchObject({ detail: 'FHIR API: TypeError < Error:ECONNREFUSED' });
    expect(answer.text).not.toContain('10.0.0.1');
  });
});

it('answers an unexpected error with 500 and an OperationOutcome without the cause', async () => {
  const test = fetchGateway();
  const { token } = await test.grant();
  const takeTurn = () => Promise.reject(new RangeError('secret detail'));
  const answer = await read({ ...test.deps, takeTurn }, 'Patient', token);
  expect(answer.statusCode).toBe(500);
  expect(issueOf(answer)).toEqual(expect.objectContaining({ code: 'exception' }));
  expect(answer.text + test.lines.join('')).not.toContain('secret detail');
  expect(test.log()[0]).toMatchObject({ error: 'server_error', detail: 'RangeError' });
});

const bundle = JSON.stringify({ resourceType: 'Bundle', entry: Array.from({ length: 40 }, (_, id) => ({ id })) });

/** Reads an answer with a limit, audited. */
const readWith = async (mostBytes: number, response: Response, path = 'Observation') => {
  const test = fetchGateway();
  const { token } = await test.grant();
  test.payer.http = async () => response;
  const table = { client: test.dynamo.client, name: 'AuditEvents' };
  const deps = { ...test.deps, ...readEventWriter(table, test.deps.clock), mostBytes };
  const answer = await read(deps, path, token);
  const ended = [...test.dynamo.items('AuditEvents').values()].find(({ type }) => type?.S === 'ended');
  return { answer, log: test.log()[0] ?? {}, signals: signalsOf(test.lines[0]), ended };
};

/** In pieces of 100 bytes, with no length in its head. */
const streamed = (type = 'application/fhir+json'): Response => {
  const chunks = bundle.match(/.{1,100}/g) ?? [];
  const body = new ReadableStream({
    pull: (controller) => {
      const chunk = chunks.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(Buffer.from(chunk));
    },
  });
  return new Response(body, { headers: { 'content-type': type } });
};

describe('an answer larger than Lambda streams', () => {
  it.each([
    ['FHIR', 'application/fhir+json', 'Observation'],
    ['a document', 'application/pdf', 'Binary/1'],
  ])('is cut before the limit: %s', async (_name, type, path) => {
    const { answer, log, signals, ended } = await readWith(250, streamed(type), path);
    expect(answer.error).toBeDefined();
    expect(answer.text).toBe(bundle.slice(0, 200));
    expect(log).toMatchObject({
      level: 'error',
      outcome: 'failed',
      error: 'answer_too_large',
      bytes: 200,
      detail: 'cut after 200 bytes: GatewayError:answer_too_large',
    });
    expect(signals).toEqual(['answerTooLarge']);
    expect(ended).toMatchObject({ status: { N: '200' }, error: { S: 'answer_too_large' }, bytes: { N: '200' } });
  });

  it('arrives whole if it is exactly as large as the limit', async () => {
    const { answer, log } = await readWith(bundle.length, streamed());
    expect(answer).toMatchObject({ error: undefined, text: bundle });
    expect(log).toMatchObject({ outcome: 'ok', bytes: bundle.length });
  });

  it('is refused before its first byte if the payer states its length, with what to request instead', async () => {
    const response = fhir(bundle, { headers: { 'content-length': String(bundle.length) } });
    const { answer, log, signals, ended } = await readWith(bundle.length - 1, response);
    expect(answer).toMatchObject({ statusCode: 502, error: undefined });
    expect(issueOf(answer)).toMatchObject({ code: 'too-costly', diagnostics: expect.stringContaining('_count') });
    expect(log).toMatchObject({ outcome: 'failed', error: 'answer_too_large' });
    expect(signals).toEqual(['answerTooLarge']);
    expect(ended).toMatchObject({ status: { N: '502' }, error: { S: 'answer_too_large' } });
  });

  it('is one of more than 200 MB, including what precedes the body', () => {
    expect(mostStreamedBytes).toBeLessThan(200 * 1024 * 1024);
    expect(mostStreamedBytes).toBeGreaterThan(199 * 1024 * 1024);
  });

  it.each([
    ['12', null, 12],
    ['12', 'gzip', 0],
    ['', null, 0],
    ['1e9', null, 0],
    [null, null, 0],
  ])('is detected from a Content-Length of %j with the coding %j: %d', (length, coding, bytes) => {
    const headers = new Headers();
    if (length !== null) headers.set('content-length', length);
    if (coding !== null) headers.set('content-encoding', coding);
    expect(declaredBytes({ status: 200, headers, body: null })).toBe(bytes);
  });
});

const faultOf = (chunks: readonly Buffer[]): string | undefined => {
  const document = jsonDocument();
  const rewriter = createLinkRewriter({ from: [], to: '' }, document.watch);
  try {
    for (const chunk of chunks) rewriter.push(chunk);
    document.end();
  } catch (error) {
    if (error instanceof UnusableAnswer) return error.code;
    throw error;
  }
  return undefined;
};

describe('an answer is one JSON document wherever its chunks end', () => {
  it.each([
    ['{}', undefined],
    ['\uFEFF \r\n{"a":["}",{"b":"\\"]"}]}\t\n', undefined],
    ['[1]\u0000', undefined],
    ['', 'INCOMPLETE_JSON'],
    [' \n', 'INCOMPLETE_JSON'],
    ['{"a":"}"', 'INCOMPLETE_JSON'],
    ['{"a":[1}', 'INCOMPLETE_JSON'],
    ['{}}', 'NOT_JSON'],
    [']', 'NOT_JSON'],
    ['{}{}', 'NOT_JSON'],
    ['{}\n[]', 'NOT_JSON'],
    ['{}1', 'NOT_JSON'],
    ['{}"a"', 'NOT_JSON'],
    ['{},', 'NOT_JSON'],
    [',{}', 'NOT_JSON'],
    ['{}:', 'NOT_JSON'],
    ['1', 'NOT_JSON'],
    ['"{}"', 'NOT_JSON'],
    ['<html></html>', 'NOT_JSON'],
    ['\u0000{}', 'NOT_JSON'],
  ])('%j: %s', (text, fault) => {
    const bytes = Buffer.from(text);
    const cuts = Array.from({ length: bytes.length + 1 }, (_none, cut) => [
      bytes.subarray(0, cut),
      bytes.subarray(cut),
    ]);

    expect(new Set(cuts.map(faultOf))).toEqual(new Set([fault]));
    expect(faultOf(Array.from(bytes, (_byte, at) => bytes.subarray(at, at + 1)))).toBe(fault);
  });
});
