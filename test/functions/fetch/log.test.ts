import { metric, signalsOf } from '../../support/embedded-metrics.ts';
import { fetchGateway, fhir, read } from '../../support/fetch-gateway.ts';
import { reference } from '../../support/reference.ts';

const fields = new Set(
  'level time requestId function method route step payer partner grantId interaction payerStatus payerMs bytes foreignLinks unsealedLinks status error detail outcome ms _aws requests payerDown refreshFailed'.split(
    ' ',
  ),
);

it('contains no token, secret, parameter or resource in any line of any outcome, and no field beyond the allow-list', async () => {
  const test = fetchGateway();
  const tokens = { accessToken: 'canary-access', refreshToken: 'canary-refresh', expiresAt: 9e9 };
  const grant = await test.grant({ patient: 'canary-patient', tokens });
  const ask = (path: string, options: Parameters<typeof read>[3] = {}) => read(test.deps, path, grant.token, options);
  const resource = '{"resourceType":"Patient","id":"canary-id","name":[{"family":"canary-name"}]}';
  const refresh = { access_token: 'canary-access-2', refresh_token: 'canary-refresh-2', expires_in: 9000 };
  const responses: (() => Response | Promise<Response>)[] = [
    () => fhir(resource),
    () => fhir(resource, { status: 404, headers: { etag: 'canary-etag' } }),
    () => new Response(resource, { status: 500 }),
    () => new Response(resource, { headers: { 'content-type': 'text/html; canary-type' } }),
    () => new Response(null, { status: 302, headers: { location: 'https://canary-host.example' } }),
    () => new Response(resource, { status: 429, headers: { 'retry-after': 'canary-after' } }),
    () => Promise.reject(new TypeError('canary-message', { cause: new Error('canary-cause') })),
    () => new Response(resource, { status: 401 }),
    () =>
      fhir(
        new ReadableStream({
          start: (controller) => controller.enqueue(Buffer.from(resource)),
          pull: () => Promise.reject(new Error('canary-stream')),
        }),
      ),
  ];
  for (const respond of responses) {
    test.payer.http = async (input) => (String(input).endsWith('/token') ? Response.json(refresh) : respond());
    await ask('Patient/canary-patient');
    await ask('Observation', { query: 'code=canary-code&_id=canary-id' });
    await ask('Observation/_search', { method: 'POST', form: { code: 'canary-form' } });
    await ask('Binary/canary-binary', { headers: { Accept: 'canary/accept', 'If-None-Match': 'canary-match' } });
  }
  await ask('Patient/canary-other');
  await ask('Canary/canary-id', { query: 'access_token=canary-token', headers: { Cookie: 'canary-cookie' } });
  await ask('Canary/canary-id', { method: 'PUT', form: resource });
  await ask('canary%', { headers: { Origin: 'https://canary-origin.example' } });
  await read(test.deps, 'Patient', 'canary-token');

  expect(test.log()).toHaveLength(responses.length * 4 + 5);
  // One request of each kind was cut, in the first second of a minute.
  const others = test.lines.map((line) => JSON.parse(line) as object).filter((line) => !('outcome' in line));
  expect(others).toHaveLength(8);
  for (const line of others) {
    expect(Object.keys(line)).toEqual(['level', 'time', 'requestId', 'function', '_aws', 'answersCut']);
  }
  expect(test.lines.join('\n').toLowerCase()).not.toContain('canary');
  for (const secret of [grant.token, grant.token.slice(30), Buffer.from(grant.grantKey).toString('base64url')]) {
    expect(test.lines.join('\n')).not.toContain(secret);
  }
  const named = new Set(test.log().flatMap((line) => Object.keys(line)));
  expect([...named].filter((name) => !fields.has(name))).toEqual([]);
  expect(test.log()[0]).toMatchObject({
    requestId: expect.stringMatching(`^${reference}-`) as string,
    function: 'fetch',
    method: 'GET',
    route: '/r4/{payer}/{proxy+}',
    payer: 'northwind',
    partner: 'demo-partner',
    grantId: grant.grantId,
  });
});

it('has one line per request, with a level that fits the outcome', async () => {
  const test = fetchGateway();
  const { token } = await test.grant();
  test.payer.http = () => Promise.resolve(fhir({}));
  await read(test.deps, 'Patient', token);
  await read(test.deps, 'Patient', undefined);
  test.payer.http = () => Promise.resolve(new Response('', { status: 500 }));
  await read(test.deps, 'Patient', token);
  expect(test.log().map(({ level, status }) => [level, status])).toEqual([
    ['info', 200],
    ['warn', 401],
    ['error', 502],
  ]);
});

/** The log line of a read that a payer answers this way. */
const lineOf = async (answer: (url: string) => Response | Error, seconds = 0): Promise<string> => {
  const test = fetchGateway();
  const { token } = await test.grant();
  test.passSeconds(seconds);
  test.payer.http = async (url) => {
    const given = answer(String(url));
    if (given instanceof Error) throw given;
    return given;
  };
  await read(test.deps, 'Patient', token, { headers: { 'if-none-match': 'W/"1"' } });
  return test.lines.at(-1) ?? '';
};

describe('what a read counts', () => {
  it.each([
    ['200', 'ok'],
    ['304', 'ok'],
    ['404', 'refused'],
    ['429', 'refused'],
  ])('is the payer’s %s as %s, without a signal', async (status, outcome) => {
    const line = await lineOf(() =>
      status === '304' ? new Response(null, { status: 304 }) : fhir({}, { status: Number(status) }),
    );

    expect(metric(line, 'requests')).toEqual({ [`step=fetch outcome=${outcome}`]: 1 });
    expect(JSON.parse(line)).toMatchObject({ payer: 'northwind', partner: 'demo-partner', outcome });
    expect(signalsOf(line)).toEqual([]);
  });

  it.each([
    ['a 500', () => new Response('', { status: 500 })],
    ['a 503 that asks to wait', () => new Response('', { status: 503 })],
    ['HTML', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    ['a redirect', () => new Response(null, { status: 302, headers: { location: 'https://elsewhere.example' } })],
    ['a refused connection', () => new TypeError('fetch failed')],
    ['a time-out', () => new DOMException('x', 'TimeoutError') as Error],
  ])('is %s as a failure of a payer that cannot be used', async (_, answer) => {
    const line = await lineOf(answer);

    expect(JSON.parse(line)).toMatchObject({ outcome: 'failed', level: 'error' });
    expect(metric(line, 'requests')).toEqual({
      'step=fetch outcome=failed': 1,
      'payer=northwind step=fetch outcome=failed': 1,
    });
    expect(metric(line, 'payerDown')).toEqual({ '': 1, 'payer=northwind': 1 });
  });

  it('is a refresh that failed, if the payer refuses the token that it has just given', async () => {
    const line = await lineOf((url) =>
      url.endsWith('/token')
        ? Response.json({ access_token: 'payer-access-2', expires_in: 300 })
        : new Response('', { status: 401 }),
    );

    expect(metric(line, 'refreshFailed')).toEqual({ '': 1 });
    expect(signalsOf(line)).toEqual(['refreshFailed']);
  });

  it('is one refresh that failed, however often the payer refuses the tokens that it gives', async () => {
    const test = fetchGateway();
    const { token } = await test.grant();
    const seen: unknown[] = [];
    test.payer.http = async (url) =>
      String(url).endsWith('/token')
        ? Response.json({ access_token: 'payer-access-2', refresh_token: 'payer-refresh-2' })
        : new Response('', { status: 401 });
    for (const seconds of [0, 0, 299, 2]) {
      test.passSeconds(seconds);
      test.payer.requests.length = 0;
      expect((await read(test.deps, 'Patient', token)).statusCode).toBe(403);
      const refreshes = test.payer.requests.filter(({ url }) => url.endsWith('/token'));
      seen.push([...signalsOf(test.lines.at(-1) ?? ''), refreshes.length]);
    }

    expect(seen).toEqual([['refreshFailed', 1], [0], [0], [1]]);
  });

  it('is one refresh that failed, if reads at the same time are refused the token that came of it', async () => {
    const test = fetchGateway();
    const { token } = await test.grant();
    test.payer.http = async (url) =>
      String(url).endsWith('/token')
        ? Response.json({ access_token: 'payer-access-2', refresh_token: 'payer-refresh-2' })
        : new Response('', { status: 401 });

    await Promise.all(Array.from({ length: 10 }, () => read(test.deps, 'Patient', token)));

    expect(test.lines.flatMap((line) => signalsOf(line))).toEqual(['refreshFailed']);
  });

  it('is a refresh of payer tokens that failed, in addition to the payer that is down', async () => {
    const line = await lineOf(() => new Response('', { status: 500 }), 301);

    expect(metric(line, 'refreshFailed')).toEqual({ '': 1 });
    expect(signalsOf(line)).toEqual(['refreshFailed', 'payerDown']);
  });
});

it('the line of a successful read says why a refresh before it failed', async () => {
  const test = fetchGateway();
  const { token } = await test.grant();
  // The old token is valid for another minute.
  test.passSeconds(250);
  test.payer.http = async (url) =>
    String(url).includes('/token')
      ? Response.json({ error: 'invalid_client' }, { status: 401 })
      : fhir({ resourceType: 'Patient', id: 'patient-1' });
  await read(test.deps, 'Patient', token);

  const line = test.lines.at(-1) ?? '';
  expect(signalsOf(line)).toEqual(['refreshFailed', 'secretMissing']);
  const record = JSON.parse(line) as Record<string, unknown>;
  expect(record).toMatchObject({
    status: 200,
    outcome: 'ok',
    level: 'info',
    detail: 'token endpoint answered 401 with an OAuth error (invalid_client)',
  });
  expect(record).not.toHaveProperty('error');
});

it('makes no metric for a payer that only the path names', async () => {
  const test = fetchGateway();

  await read(test.deps, 'Patient', undefined, { payer: 'no-such-payer' });

  expect(metric(test.lines[0] ?? '', 'requests')).toEqual({ 'step=fetch outcome=refused': 1 });
  expect(JSON.parse(test.lines[0] ?? '')).not.toHaveProperty('payer');
});
