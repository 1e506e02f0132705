import { fetchHandler } from '../../../functions/fetch/handler.ts';
import { fetchGateway, fhir, read, readEvent } from '../../support/fetch-gateway.ts';
import { callStreaming } from '../../support/stream-handler.ts';

const ready = () => {
  const test = fetchGateway();
  test.payer.http = () => Promise.resolve(fhir({ resourceType: 'Bundle' }));
  return test;
};
type Options = Parameters<typeof read>[3];
const ask = async (path: string, options?: Options) => {
  const test = ready();
  const { token } = await test.grant();
  const answer = await read(test.deps, path, token, options);
  return { answer, requests: test.payer.requests };
};
const sentHeaders = async (path: string, options?: Options): Promise<Record<string, string>> =>
  (await ask(path, options)).requests[0]?.init?.headers as Record<string, string>;

describe('what is not a read', () => {
  it('is 405: a parameter _method, in the query or in the form', async () => {
    const query = await ask('Patient', { query: '_method=DELETE' });
    const form = await ask('Patient/_search', { method: 'POST', form: { _METHOD: 'PUT' } });
    expect([query.answer.statusCode, form.answer.statusCode]).toEqual([405, 405]);
    expect([...query.requests, ...form.requests]).toEqual([]);
  });
});

describe('the path', () => {
  it.each(['Patient//patient-1', '/Patient/patient-1', 'Patient/patient-1/', 'Patient/patient%2D1'])(
    'reaches the payer in its one spelling: %s',
    async (path) => {
      const { requests } = await ask(path);
      expect(requests.map(({ url }) => url)).toEqual(['http://127.0.0.1:3003/r4/Patient/patient-1']);
    },
  );

  it('without a payer is 404', async () => {
    const test = ready();
    const { token } = await test.grant();
    const event = { ...readEvent('Patient', token), pathParameters: null };
    expect((await callStreaming(fetchHandler(test.deps), event)).statusCode).toBe(404);
  });

  it('may be the base itself, for a search of all types', async () => {
    const { requests } = await ask('', { query: '_lastUpdated=ge2020' });
    expect(requests.map(({ url }) => url)).toEqual(['http://127.0.0.1:3003/r4?_lastUpdated=ge2020']);
  });

  it.each([
    ['/metadata', 'metadata', ''],
    ['/metadata', 'metadata', '_format=json'],
    ['/.well-known/smart-configuration', '.well-known/smart-configuration', ''],
    ['.well-known//smart-configuration', '.well-known/smart-configuration', ''],
    ['/.well-known/oauth-authorization-server', '.well-known/oauth-authorization-server', ''],
  ])('sends discovery that came by a doubled slash (%s) to its own URL, without a token', async (path, to, query) => {
    const test = ready();
    const answer = await read(test.deps, path, undefined, { query });
    expect(answer.statusCode).toBe(308);
    const asked = query === '' ? '' : `?${query}`;
    expect(answer.headers['Location']).toBe(`http://localhost:3000/r4/northwind/${to}${asked}`);
    expect(answer.headers['Cache-Control']).toBe('no-store');
    expect(answer.text).toBe('');
    expect(test.dynamo.calls()).toEqual([]);
    expect(test.log()).toHaveLength(1);
  });

  it('does not redirect a POST to discovery', async () => {
    const answer = await read(ready().deps, '/metadata', undefined, { method: 'POST' });
    expect(answer).toMatchObject({ statusCode: 401, headers: { 'WWW-Authenticate': 'Bearer' } });
  });

  it('never redirects to another host, whatever is in place of the payer', async () => {
    const answer = await read(ready().deps, '/metadata', undefined, { payer: '@evil.example/..' });
    expect(new URL(answer.headers['Location'] ?? '').host).toBe('localhost:3000');
  });
});

describe('a search', () => {
  it('by POST keeps what is in the form out of the URL', async () => {
    const form = 'code=a&code=b';
    const { answer, requests } = await ask('Observation/_search', { method: 'POST', form });
    expect(answer.statusCode).toBe(200);
    const [request] = requests;
    expect(request?.url).toBe('http://127.0.0.1:3003/r4/Observation/_search');
    expect(request?.init).toMatchObject({ method: 'POST', body: 'code=a&code=b' });
    expect(request?.init?.headers).toMatchObject({ 'content-type': 'application/x-www-form-urlencoded' });
  });

  it('by POST may have everything in the query and no body', async () => {
    const { answer, requests } = await ask('Observation/_search', { method: 'POST', query: 'code=a' });
    expect(answer.statusCode).toBe(200);
    expect(requests[0]).toMatchObject({
      url: 'http://127.0.0.1:3003/r4/Observation/_search?code=a',
      init: { method: 'POST', body: '' },
    });
  });

  it('by POST may have an empty body of any type', async () => {
    const headers = { 'Content-Type': 'application/fhir+json' };
    const { answer, requests } = await ask('Observation/_search', {
      method: 'POST',
      query: 'code=a',
      form: '',
      headers,
    });
    expect(answer.statusCode).toBe(200);
    expect(requests[0]?.init?.body).toBe('');
  });

  it('by POST accepts no other content type, and no access token in the form', async () => {
    const json = await ask('Observation/_search', {
      method: 'POST',
      form: '{}',
      headers: { 'Content-Type': 'application/json' },
    });
    expect(json.answer.statusCode).toBe(400);
    const token = await ask('Observation/_search', { method: 'POST', form: { access_token: 'secret' } });
    const other = await ask('Observation/_search', { method: 'POST', form: { Access_Token: 'secret' } });
    expect([token.answer.statusCode, other.answer.statusCode]).toEqual([400, 400]);
    expect([...json.requests, ...token.requests, ...other.requests]).toEqual([]);
  });
});

describe('what the caller accepts', () => {
  it.each([
    undefined,
    '',
    ' ',
    '*/*',
    'application/json',
    'application/fhir+json',
    'application/fhir+json; fhirVersion=4.0',
    'Application/FHIR+JSON;charset=UTF-8',
    'text/html, application/json;q=0.5',
    'application/*',
    'text/json',
    ' application/json ;q=0.5;x=1,text/html',
  ])('may be %p: the payer is asked for FHIR JSON', async (accept) => {
    const headers: Record<string, string> = accept === undefined ? {} : { Accept: accept };
    expect(await sentHeaders('Patient', { headers })).toMatchObject({ accept: 'application/fhir+json' });
  });

  it.each(['application/fhir+xml', 'text/html', 'application/fhir+turtle, text/plain'])(
    'may not be %s alone: 406',
    async (accept) => {
      const { answer, requests } = await ask('Patient', { headers: { Accept: accept } });
      expect(answer.statusCode).toBe(406);
      expect(requests).toEqual([]);
    },
  );

  it('passes to the payer for a Binary, whatever its value, and only for that', async () => {
    const headers = { Accept: 'application/pdf' };
    expect(await sentHeaders('Binary/b1', { headers })).toMatchObject({ accept: 'application/pdf' });
    expect(await sentHeaders('Binary/b1/_history/2', { headers })).toMatchObject({ accept: 'application/pdf' });
    expect(await sentHeaders('Binary/b1')).toMatchObject({ accept: 'application/fhir+json' });
    expect((await ask('Binary', { headers })).answer.statusCode).toBe(406);
    expect((await ask('Patient/patient-1', { headers })).answer.statusCode).toBe(406);
  });
});

describe('request headers', () => {
  it('reach the payer from an allow-list', async () => {
    const headers = {
      'If-None-Match': 'W/"1"',
      'If-Modified-Since': 'Mon, 01 Jun 2026 00:00:00 GMT',
      Prefer: 'handling=strict',
      'Accept-Language': 'de',
      'X-Other': 'no',
      'User-Agent': 'app',
    };
    expect(await sentHeaders('Patient', { headers })).toEqual({
      authorization: 'Bearer payer-access-1',
      accept: 'application/fhir+json',
      'if-none-match': 'W/"1"',
      'if-modified-since': 'Mon, 01 Jun 2026 00:00:00 GMT',
      prefer: 'handling=strict',
      'accept-language': 'de',
    });
  });

  it('never ask the payer for an asynchronous answer, which no one would fetch', async () => {
    const headers = { Prefer: 'return=minimal, Respond-Async', 'If-None-Match': 'W/"respond-async"' };
    const sent = await sentHeaders('Patient', { headers });
    expect(sent).not.toHaveProperty('prefer');
    expect(sent).toMatchObject({ 'if-none-match': 'W/"respond-async"' });
  });

  it.each([
    ['Patient', 'Accept-Language'],
    ['Patient', 'If-None-Match'],
    ['Patient', 'Prefer'],
    ['Binary/1', 'Accept'],
  ])('omit what HTTP cannot carry, which would make the payer seem down: %s, %s', async (path, name) => {
    for (const value of ['\u2603', 'a\0b', 'a\r\nX-Injected: 1', '\ud800']) {
      const headers = await sentHeaders(path, { headers: { [name]: value } });
      expect(Object.values(headers ?? {})).not.toContain(value);
      expect(() => new Headers(headers)).not.toThrow();
    }
  });

  it('need no User-Agent, no Accept, and no multi-value map', async () => {
    const test = ready();
    const { token } = await test.grant();
    const event = { ...readEvent('Patient', token), multiValueHeaders: {} };
    expect((await callStreaming(fetchHandler(test.deps), event)).statusCode).toBe(200);
  });
});
