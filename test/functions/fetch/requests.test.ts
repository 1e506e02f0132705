import { jest } from '@jest/globals';
import { fetchHandler } from '../../../functions/fetch/handler.ts';
import type { Payer, PayerQuirks } from '../../../functions/shared/registry/types.ts';
import { fakeTimeouts } from '../../support/fake-timeouts.ts';
import { fetchGateway, fhir, issueOf, read, readEvent } from '../../support/fetch-gateway.ts';
import { localRegistry, withPayer } from '../../support/login.ts';
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

  it('is asked of one base: one that needs types of two is refused, and one whose references may lead elsewhere is not', async () => {
    const test = ready();
    const { token } = await test.grant({ scope: 'patient/*.rs' });
    const goals = { fhirBaseUrl: 'http://127.0.0.1:3009/fhir', types: ['Goal', 'CarePlan'] };
    const deps = test.reconfigured(withPayer('northwind', { everything: false, furtherBases: [goals] }));
    const search = (request: string) => {
      const [path = '', query = ''] = request.split('?');
      return read(deps, path, token, { query });
    };
    for (const request of [
      '?_id=1',
      '?_type=Goal,Condition',
      'Patient/patient-1/*',
      'Condition?_revinclude=CarePlan:condition',
      'Condition?_revinclude=Provenance:target,CarePlan:condition',
      'Patient?_has:Goal:patient:lifecycle-status=active',
      'Condition?_has:CarePlan:condition:_has:Provenance:target:agent=1',
      'Goal?_revinclude=Provenance:target',
      'Observation?focus:Goal.lifecycle-status=active',
      'Observation?_include=Observation:focus:Goal',
      'CarePlan?_include=CarePlan:condition',
      'Goal?_list=1',
    ]) {
      const all = await search(request);
      expect([request, all.statusCode, issueOf(all).diagnostics]).toEqual([
        request,
        405,
        expect.stringContaining('several servers'),
      ]);
    }
    expect(test.payer.requests).toEqual([]);
    for (const request of [
      'CarePlan?_include=CarePlan:goal',
      'CarePlan?goal.lifecycle-status=active',
      'Goal?_include=Goal:subject',
      'Observation?_include=Observation:focus',
      'Condition?_revinclude=Provenance:target',
    ]) {
      expect([request, (await search(request)).statusCode]).toEqual([request, 200]);
    }
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

/** The FHIR route of a payer with this profile. */
const payerWith = async (profile: Partial<Payer>, quirks: Partial<PayerQuirks> = {}) => {
  const data = localRegistry();
  const usual = data.payers.find(({ id }) => id === 'northwind')!.quirks;
  const test = fetchGateway({
    registry: withPayer('northwind', { ...profile, quirks: { ...usual, ...quirks } })(data),
  });
  const { token } = await test.grant();
  const acceptSent = () => test.payer.requests.map(({ init }) => new Headers(init?.headers).get('accept'));
  return {
    ...test,
    acceptSent,
    read: (path: string, options?: Parameters<typeof read>[3]) => read(test.deps, path, token, options),
  };
};

describe("a payer's own name for FHIR JSON", () => {
  const own = 'application/json+fhir';
  const quirks = { fhirMediaType: own };
  const answerIn = (type: string) => async () =>
    fhir({ resourceType: 'Bundle' }, { headers: { 'content-type': type } });

  it.each([own, `${own}; charset=UTF-8`, 'application/fhir+json', 'application/json'])(
    'is asked for; an answer in %s is taken, and the partner gets application/fhir+json',
    async (type) => {
      const { payer, acceptSent, read: readAt } = await payerWith({}, quirks);
      payer.http = answerIn(type);

      const answer = await readAt('Observation');

      expect(acceptSent()).toEqual([own]);
      expect([answer.statusCode, answer.headers['Content-Type']]).toEqual([
        200,
        'application/fhir+json; charset=utf-8',
      ]);
    },
  );

  it('is not taken from a payer whose profile does not have it', async () => {
    const { payer, acceptSent, read: readAt } = await payerWith({});
    payer.http = answerIn(own);

    expect((await readAt('Observation')).statusCode).toBe(502);
    expect(acceptSent()).toEqual(['application/fhir+json']);
  });

  it("stands for FHIR's in what a partner asks of a Binary, and other types stay", async () => {
    const { payer, acceptSent, read: readAt } = await payerWith({}, quirks);
    payer.http = answerIn(own);

    const answer = await readAt('Binary/1', { headers: { Accept: 'application/pdf, application/fhir+json;q=0.5' } });

    expect(acceptSent()).toEqual([`application/pdf, ${own};q=0.5`]);
    expect(answer.headers['Content-Type']).toBe('application/fhir+json; charset=utf-8');
  });

  it('makes no FHIR of a document that is plain JSON', async () => {
    const { payer, read: readAt } = await payerWith({}, { fhirMediaType: 'application/json' });
    payer.http = answerIn('application/json');

    expect((await readAt('Binary/1')).headers).toMatchObject({
      'Content-Type': 'application/json',
      'Content-Disposition': 'attachment',
    });
  });

  it("keeps the payer's own OperationOutcome", async () => {
    const { payer, read: readAt } = await payerWith({}, quirks);
    const outcome = {
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'not-found', diagnostics: 'x' }],
    };
    payer.http = async () => fhir(outcome, { status: 404, headers: { 'content-type': own } });

    expect((await readAt('Observation/1')).json()).toEqual(outcome);
  });
});

describe('the time to the first byte', () => {
  afterEach(() => jest.useRealTimers());

  it.each<[number, number | undefined]>([
    [60, undefined],
    [200, 200],
    [5, 5],
  ])('is %i seconds if the profile says %s', async (seconds, timeToFirstByte) => {
    const test = await payerWith({}, timeToFirstByte === undefined ? {} : { timeToFirstByte });
    const pass = fakeTimeouts();
    let sent: (() => void) | undefined;
    const isSent = new Promise<void>((resolve) => (sent = resolve));
    let ended: unknown;
    test.payer.http = (_url, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => {
          ended = init.signal?.reason;
          reject(init.signal?.reason);
        });
        sent?.();
      });

    const reading = test.read('Observation', { stream: { remainingMs: 600_000 } });
    await isSent;
    pass(seconds * 1000 - 1);
    expect(ended).toBeUndefined();
    pass(1);

    expect((await reading).statusCode).toBe(504);
  });
});

describe('paging parameters of a profile', () => {
  const profile = { pagingParameters: ['_page'] };

  it.each(['Observation?_page=2', 'Patient/patient-1/$everything?_page=2', 'Patient/patient-1/Observation?_page=2'])(
    'are passed on in %s',
    async (path) => {
      const { payer, read: readAt } = await payerWith(profile);
      payer.http = async () => fhir({ resourceType: 'Bundle' });
      const [below = '', query] = path.split('?');

      expect((await readAt(below, query === undefined ? {} : { query })).statusCode).toBe(200);
      expect(payer.requests.map(({ url }) => url)).toEqual([`http://127.0.0.1:3003/r4/${path}`]);
    },
  );

  it.each([
    ['a parameter that the profile does not have', 'Observation', '_offset=2', 400],
    ['another letter case', 'Observation', '_PAGE=2', 400],
    ['one on a read', 'Observation/1', '_page=2', 400],
    ['one that names another patient', 'Observation', '_page=Patient/9', 403],
    ['one that names another patient, encoded twice', 'Observation', '_page=Patient%252F9', 403],
  ])('%s is refused, and the payer is not asked', async (_, path, query, status) => {
    const { payer, read: readAt } = await payerWith(profile);

    const answer = await readAt(path, { query });

    expect([answer.statusCode, issueOf(answer).code.length > 0, payer.requests.length]).toEqual([status, true, 0]);
  });
});
