import { formOf, gateway, northwindTokens, sentBack, throttled, withPayer } from '../../support/login.ts';

type Test = ReturnType<typeof gateway>;

const answered = async (test: Test, change: Record<string, string> = {}, payer = 'northwind') => {
  const { state, cookie } = await test.start({}, { payer });
  return test.callback({ ...test.fromPayer(state), ...change }, { cookie, payer });
};

const html = (status: number): Response =>
  new Response('<html>canary</html>', { status, headers: { 'Content-Type': 'text/html' } });

describe('what the payer says in the redirect', () => {
  const notCompleted = 'The health plan could not complete the sign-in.';

  it.each([
    ['access_denied', 'access_denied', 'The member did not agree at the health plan.'],
    ['temporarily_unavailable', 'temporarily_unavailable', 'The health plan is not available at the moment.'],
    ['server_error', 'server_error', notCompleted],
    ['consent_required', 'server_error', notCompleted],
    ['<script>', 'server_error', notCompleted],
  ])('%s reaches the partner as %s, without the payer’s text', async (said, told, text) => {
    const test = gateway();

    const response = await answered(test, { code: '', error: said, error_description: 'canary text' });

    expect(response.statusCode).toBe(302);
    expect(sentBack(response)).toEqual({
      error: told,
      error_description: text,
      state: 'partner-state',
      iss: 'http://localhost:3000/r4/northwind',
    });
    expect(response.multiValueHeaders?.['Set-Cookie']).toHaveLength(1);
    expect(test.payer.requests).toEqual([]);
  });

  it.each([
    ['neither code nor error', { code: '' }, 'no usable code in the redirect'],
    ['an oversized code', { code: 'c'.repeat(4097) }, 'no usable code in the redirect'],
    ['a code beside an error', { error: 'login_required' }, 'another error in the redirect'],
  ])('%s is server_error, and no code is sent', async (_, change, detail) => {
    const test = gateway();

    const response = await answered(test, change);

    expect(sentBack(response)).toMatchObject({ error: 'server_error', error_description: notCompleted });
    expect(test.payer.requests).toEqual([]);
    expect(JSON.parse(test.lines.at(-1) ?? '')).toMatchObject({
      error: 'server_error',
      detail,
      partner: 'demo-partner',
    });
  });

  it('a code of 4,096 characters is sent', async () => {
    const test = gateway();

    const response = await answered(test, { code: 'c'.repeat(4096) });

    expect(sentBack(response)['code']).toBeDefined();
    expect(formOf(test.payer.requests[0]?.init).get('code')).toHaveLength(4096);
  });
});

describe('what the payer’s token endpoint does', () => {
  it.each([
    ['nothing', () => new Response(null, { status: 200 }), 'server_error'],
    ['a JSON array', () => Response.json([]), 'server_error'],
    ['an unknown error', () => Response.json({ error: 'canary' }, { status: 400 }), 'server_error'],
  ])('%s: the partner is told, and the code is never sent twice', async (_, answer, error) => {
    const test = gateway();
    test.payer.http = async () => answer();

    const response = await answered(test);

    expect(sentBack(response)).toMatchObject({ error, state: 'partner-state' });
    expect(test.payer.requests.filter(({ url }) => url.endsWith('/token'))).toHaveLength(1);
    expect([...test.dynamo.items('Grants')]).toEqual([]);
    expect(test.lines.join()).not.toContain('canary');
  });

  it.each([
    ['a time-out', new DOMException('The operation timed out', 'TimeoutError')],
    [
      'a refused connection',
      new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) }),
    ],
    ['something that is not an error', 'canary'],
  ])('%s is temporarily_unavailable, and the code is never sent twice', async (_, error) => {
    const test = gateway();
    // A client may throw anything.
    test.payer.http = async () => {
      throw error as Error;
    };

    const response = await answered(test);

    expect(sentBack(response)).toMatchObject({ error: 'temporarily_unavailable' });
    expect(test.payer.requests).toHaveLength(1);
    expect(test.lines.join()).not.toContain('canary');
  });

  it('an answer that stops in the middle is temporarily_unavailable', async () => {
    const test = gateway();
    const stalled = () =>
      new ReadableStream({
        start: (controller) => controller.enqueue(Buffer.from('{"access_')),
        pull: (controller) => controller.error(new DOMException('The operation timed out', 'TimeoutError')),
      });
    test.payer.http = async () => new Response(stalled(), { status: 200 });

    const response = await answered(test);

    expect(sentBack(response)).toMatchObject({ error: 'temporarily_unavailable' });
  });
});

describe('our secret at the payer', () => {
  it('that does not fit the profile ends the login in temporarily_unavailable, and nothing is sent', async () => {
    const test = gateway();
    test.secrets['northwind'] = { client_secret: 'canary' };

    const response = await answered(test);

    expect(sentBack(response)).toMatchObject({ error: 'temporarily_unavailable' });
    expect(test.payer.requests).toEqual([]);
    expect(test.lines.join()).not.toContain('canary');
  });
});

describe('whose record it is', () => {
  const search = (answer: () => Promise<Response>) => {
    const test = gateway();
    test.payer.http = async (url) =>
      String(url).endsWith('/Patient') ? answer() : Response.json({ access_token: 'a', refresh_token: 'r' });
    return test;
  };
  const noBundle = async () => html(200);

  it.each([
    ['patient scopes', 'patient/*.rs'],
    ['patient scopes beside others', 'offline_access patient/*.rs'],
    ['launch/patient', 'launch/patient patient/*.rs'],
  ])('must be known if %s were requested: otherwise the login ends in server_error', async (_, scope) => {
    const test = search(noBundle);
    const { state, cookie } = await test.start({ scope }, { payer: 'demo-health-plan' });

    const response = await test.callback({ state, code: 'c' }, { cookie, payer: 'demo-health-plan' });

    expect(sentBack(response)).toMatchObject({
      error: 'server_error',
      error_description: 'The health plan did not say whose record this is.',
    });
    expect([...test.dynamo.items('Grants')]).toEqual([]);
    expect(JSON.parse(test.lines.at(-1) ?? '')).toMatchObject({
      error: 'server_error',
      detail: 'GET Patient answered without a Bundle',
      payer: 'demo-health-plan',
      partner: 'demo-partner',
    });
  });

  it('is unknown only if the profile allows it', async () => {
    const test = gateway();
    const { start, callback } = test.reconfigured(withPayer('demo-health-plan', { patientFrom: 'none' }));
    test.payer.http = async () => Response.json(northwindTokens);
    const { state, cookie } = await start({}, { payer: 'demo-health-plan' });

    const response = await callback({ state, code: 'c' }, { cookie, payer: 'demo-health-plan' });

    expect(sentBack(response)['code']).toBeDefined();
    expect(test.grant()['patient']).toBeUndefined();
  });

  const base = 'http://127.0.0.1:3003/r4';
  it.each([
    ['an id', 'p-7', 'p-7'],
    ['a number', 12345, '12345'],
    ['zero', 0, '0'],
    ['a reference', 'Patient/p-7', 'p-7'],
    ['a reference to a version', 'Patient/p-7/_history/1', 'p-7'],
    ['a reference with a slash at its end', 'Patient/p-7/', 'p-7'],
    ['a reference with a slash before it', '/Patient/p-7', 'p-7'],
    ['a URL below the payer’s base', `${base}/Patient/p-7`, 'p-7'],
    ['a URL below an alias of it', 'https://inside.example/fhir/Patient/p-7/_history/2', 'p-7'],
    ['an id of more characters than FHIR’s', 'p_7~a', 'p_7~a'],
  ])('is taken from a token answer that names it as %s', async (_, patient, id) => {
    const test = gateway();
    test.payer.http = async () => Response.json({ ...northwindTokens, patient });
    const { start, callback, fromPayer } = test.reconfigured(
      withPayer('northwind', { fhirBaseUrlAliases: ['https://inside.example/fhir'] }),
    );
    const { state, cookie } = await start();

    await callback(fromPayer(state), { cookie });

    expect(test.grant()['patient']).toEqual({ S: id });
  });

  const none = 'the token answer names no patient, as patientFrom says it does';
  const noId = 'the token answer names a patient without an id';
  it.each<[unknown, string]>([
    [undefined, none],
    [null, none],
    ['', noId],
    [' ', noId],
    [' p-7', noId],
    ['p-7\n', noId],
    ['a,b', noId],
    ['..', noId],
    ['Patient/', noId],
    ['Patient//', noId],
    ['Patient/a/b', noId],
    ['patient/p-7', noId],
    ['Group/p-7', noId],
    ['Patient/p 7', noId],
    ['Patient/p-7?a=b', noId],
    ['p-7/_history/1', noId],
    ['https://other.example/r4/Patient/p-7', noId],
    [base, noId],
    [`${base}/p-7`, noId],
    [`${base}x/Patient/p-7`, noId],
    ['urn:uuid:7', noId],
    ['x'.repeat(129), noId],
    [{ id: 'p-7' }, noId],
    [{ reference: 'Patient/p-7' }, noId],
    [['p-7'], noId],
    [true, noId],
    [false, noId],
    [1.5, noId],
    [-1, noId],
    [1e300, noId],
    [2 ** 53, noId],
  ])(
    'is unknown if the token answer has %j: the login ends, and the payer’s tokens are revoked',
    async (patient, detail) => {
      const test = gateway();
      test.payer.http = async () => Response.json({ ...northwindTokens, patient });

      const response = await answered(test);

      expect(sentBack(response)).toMatchObject({
        error: 'server_error',
        error_description: 'The health plan did not say whose record this is.',
      });
      expect([...test.dynamo.items('Grants')]).toEqual([]);
      expect(JSON.parse(test.lines.at(-1) ?? '')).toMatchObject({ error: 'server_error', detail });
      const revoked = test.payer.requests.filter(({ url }) => url.endsWith('/revoke'));
      expect(revoked.map(({ init }) => formOf(init).get('token'))).toEqual(['payer-refresh-token']);
    },
  );
});

describe('a grant that cannot be stored', () => {
  it('is answered as temporarily_unavailable, and the payer’s tokens are revoked', async () => {
    const test = gateway();
    test.payer.http = async (url) =>
      String(url).endsWith('/revoke') ? new Response(null, { status: 200 }) : Response.json(northwindTokens);
    const { state, cookie } = await test.start();
    test.dynamo.failNext('PutItem', throttled());

    const response = await test.callback(test.fromPayer(state), { cookie });

    expect(sentBack(response)).toMatchObject({ error: 'temporarily_unavailable' });
    expect(test.payer.requests.map(({ url }) => url)).toEqual([
      'http://127.0.0.1:3003/oauth2/token',
      'http://127.0.0.1:3003/oauth2/revoke',
    ]);
  });

  it('is answered the same way if the payer has no revocation endpoint or does not answer', async () => {
    for (const change of [{}, { revocationEndpoint: undefined }]) {
      const test = gateway();
      test.payer.http = async (url) => (String(url).endsWith('/revoke') ? html(500) : Response.json(northwindTokens));
      const { start, callback, fromPayer } = test.reconfigured(withPayer('northwind', change));
      const { state, cookie } = await start();
      test.dynamo.failNext('PutItem', throttled());

      const response = await callback(fromPayer(state), { cookie });

      expect(sentBack(response)).toMatchObject({ error: 'temporarily_unavailable' });
    }
  });

  it('is stored if the answer to its write was lost and the SDK repeated it', async () => {
    const test = gateway();
    const { state, cookie } = await test.start();
    test.dynamo.repeatNext('PutItem');

    const response = await test.callback(test.fromPayer(state), { cookie });

    expect((await test.redeem(sentBack(response)['code'] ?? '')).statusCode).toBe(200);
  });
});
