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
  // One request of each kind was cut.
  const others = test.lines.map((line) => JSON.parse(line) as object).filter((line) => !('outcome' in line));
  expect(others).toHaveLength(4);
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
