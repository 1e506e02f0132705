import { GatewayError } from '../../../functions/shared/errors.ts';
import type { ApiResponse } from '../../../functions/shared/http/api.ts';
import { metric, signalsOf } from '../../support/embedded-metrics.ts';
import { formOf, gateway, northwindTokens, sentBack, throttled, withPayer } from '../../support/login.ts';

type Test = ReturnType<typeof gateway>;

const answered = async (test: Test, change: Record<string, string> = {}, payer = 'northwind') => {
  const { state, cookie } = await test.start({}, { payer });
  return test.callback({ ...test.fromPayer(state), ...change }, { cookie, payer });
};

const html = (status: number): Response =>
  new Response('<html>canary</html>', { status, headers: { 'Content-Type': 'text/html' } });
const revokedTokens = (test: Test): (string | null)[] =>
  test.payer.requests.filter(({ url }) => url.endsWith('/revoke')).map(({ init }) => formOf(init).get('token'));

interface End {
  readonly error: string;
  readonly text: string;
  /** @default text */
  readonly detail?: string;
  readonly signals?: readonly string[];
}

/** Expects that the partner is told what the payer did, and nothing of its text; and that only the log says why. */
const expectEnd = (test: Test, response: ApiResponse, { error, text, detail = text, signals = [] }: End): void => {
  expect(response.statusCode).toBe(302);
  expect(sentBack(response)).toEqual({
    error,
    error_description: text,
    state: 'partner-state',
    iss: 'http://localhost:3000/r4/northwind',
  });
  expect(response.multiValueHeaders?.['Set-Cookie']).toHaveLength(1);
  expect([...test.dynamo.items('Grants')]).toEqual([]);
  const about = { payer: 'northwind', partner: 'demo-partner' };
  const outcome = error === 'access_denied' ? 'refused' : 'failed';
  expect(test.lastLine()).toMatchObject({ ...about, function: 'callback', outcome, error, detail });
  const line = test.lines.at(-1) ?? '';
  expect(metric(line, 'requests')).toEqual({
    [`step=callback outcome=${outcome}`]: 1,
    ...(outcome === 'failed' ? { 'payer=northwind step=callback outcome=failed': 1 } : {}),
  });
  expect(signalsOf(line)).toEqual(signals);
  expect(test.lines.join()).not.toContain('canary');
};

const away = 'temporarily_unavailable';
const unreachable = 'The health plan cannot be reached at the moment. Please try again later.';
const down = ['payerDown'];
const noSecret = ['secretMissing'];
/** Anybody can make a code up, so what a payer answers to one rings neither of them. */
const refusedCode = ['codeRefused'];

describe('what the payer says in the redirect', () => {
  const error = 'server_error';
  const text = 'The health plan could not complete the sign-in.';
  const refusal = 'The member did not agree at the health plan.';
  const isDown = 'The health plan is not available at the moment.';
  const other = 'another error in the redirect';
  const noCode = 'no usable code in the redirect';
  it.each<[string, Record<string, string>, End]>([
    ['access_denied', { code: '', error: 'access_denied' }, { error: 'access_denied', text: refusal }],
    ['temporarily_unavailable', { code: '', error: away }, { error: away, text: isDown }],
    ['ACCESS_DENIED', { code: '', error: 'ACCESS_DENIED' }, { error: 'access_denied', text: refusal }],
    ['Temporarily_Unavailable', { code: '', error: 'Temporarily_Unavailable' }, { error: away, text: isDown }],
    ...['server_error', 'invalid_scope', 'unauthorized_client', 'invalid_request', 'unsupported_response_type'].map(
      (said): [string, Record<string, string>, End] => [
        said,
        { code: '', error: said },
        { error, text, detail: `${other}: ${said}` },
      ],
    ),
    // OpenID Connect Core §3.1.2.6.
    ...['consent_required', 'interaction_required', 'login_required', 'account_selection_required'].map(
      (said): [string, Record<string, string>, End] => [
        said,
        { code: '', error: said },
        { error: 'access_denied', text: refusal, detail: `the payer sent the member back: ${said}` },
      ],
    ),
    ['an unknown error', { code: '', error: 'canary' }, { error, text, detail: other }],
    ['a script', { code: '', error: '<script>' }, { error, text, detail: other }],
    ['a code beside an error', { error: 'request_not_supported' }, { error, text, detail: other }],
    ['neither code nor error', { code: '' }, { error, text, detail: noCode }],
    ['an oversized code', { code: 'c'.repeat(4097) }, { error, text, detail: noCode }],
    ['a code that is none of RFC 6749', { code: 'c\u0000' }, { error, text, detail: noCode }],
  ])(
    '%s reaches the partner without the payer’s text, asks the payer nothing and rings nothing',
    async (_, change, end) => {
      const test = gateway();

      const response = await answered(test, { error_description: 'canary text', ...change });

      expectEnd(test, response, end);
      expect(test.payer.requests).toEqual([]);
    },
  );

  it('a code of 4,096 characters is sent', async () => {
    const test = gateway();

    const response = await answered(test, { code: 'c'.repeat(4096) });

    expect(sentBack(response)['code']).toBeDefined();
    expect(formOf(test.payer.requests[0]?.init).get('code')).toHaveLength(4096);
  });
});

describe('what the payer’s token endpoint does', () => {
  const cause = Object.assign(new Error('x'), { code: 'ECONNREFUSED' });
  const stalled = () =>
    new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from('{"access_')),
      pull: (controller) => controller.error(new DOMException('The operation timed out', 'TimeoutError')),
    });
  const json = (value: unknown, status = 200) => Response.json(value, { status });
  const failing = (error: unknown) => (): never => {
    // A client may throw anything.
    throw error as Error;
  };
  const isAway = { error: away, text: unreachable };
  const isUnusable = { error: 'server_error', text: 'The health plan gave an answer that cannot be used.' };
  const noObject = ' answered 200 without a JSON object';
  const malformed = ' answered 400 without an OAuth error';
  const oauthError = (status: number, error: string) => ` answered ${status} with an OAuth error (${error})`;

  it.each<[string, () => Response, { error: string; text: string }, string, string[]?, number?]>([
    ['nothing', () => new Response(null, { status: 200 }), isUnusable, noObject],
    ['a JSON array', () => json([]), isUnusable, noObject],
    ['a page', () => html(200), isUnusable, noObject],
    ['an unknown error', () => json({ error: 'canary' }, 400), isUnusable, oauthError(400, 'unknown')],
    ['an error of no kind', () => json({ error: 5 }, 400), isUnusable, malformed],
    ['no code', () => json({ error: 'invalid_grant' }, 400), isUnusable, oauthError(400, 'invalid_grant'), []],
    [
      'no client',
      () => json({ error: 'invalid_client' }, 401),
      isAway,
      oauthError(401, 'invalid_client'),
      refusedCode,
      2,
    ],
    ['a bare 401', () => html(401), isAway, ' answered 401 without a JSON object', refusedCode, 2],
    [
      'a refused request',
      () => json({ error: 'invalid_request' }, 400),
      isUnusable,
      oauthError(400, 'invalid_request'),
    ],
    ['a server error', () => json({ error: 'server_error' }, 400), isAway, oauthError(400, 'server_error')],
    ['a 500', () => html(500), isAway, ' answered 500'],
    ['a 503', () => html(503), isAway, ' answered 503'],
    ['an answer that stops in the middle', () => new Response(stalled()), isAway, ': TimeoutError'],
    ['a time-out', failing(new DOMException('canary', 'TimeoutError')), isAway, ': TimeoutError', down],
    ['a stopped server', failing(new TypeError('canary', { cause })), isAway, ': TypeError < Error:ECONNREFUSED', down],
    ['a failure that is not an error', failing('canary'), isAway, ': unknown', down],
  ])(
    '%s: the partner is told, and the code is never sent twice',
    async (_, answer, told, what, signals = refusedCode, calls = 1) => {
      const test = gateway();
      test.payer.http = async () => answer();

      const response = await answered(test);

      expectEnd(test, response, { ...told, detail: `token endpoint${what}`, signals });
      expect(test.payer.requests.map(({ url }) => new URL(url).pathname)).toEqual(Array(calls).fill('/oauth2/token'));
    },
  );
});

describe('our secret at the payer', () => {
  const missing = 'the secret of payer northwind is missing or not in its form';
  const unfit = 'the secret does not fit the client authentication of the profile';
  it.each([
    ['is missing', missing, new GatewayError(away, unreachable, { detail: missing, signal: 'secretMissing' })],
    ['does not fit the profile', unfit, { client_secret: 'canary' }],
  ])('ends the login in temporarily_unavailable if it %s, and nothing is sent', async (_, detail, secret) => {
    const test = gateway();
    test.secrets['northwind'] = secret;

    const response = await answered(test);

    expectEnd(test, response, { error: away, text: unreachable, detail, signals: noSecret });
    expect(test.payer.requests).toEqual([]);
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
    ['the URN of a UUID', 'urn:uuid:0b6cbd01-0f2d-4a0c-9a34-3f5e3c0c9a10', '0b6cbd01-0f2d-4a0c-9a34-3f5e3c0c9a10'],
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
    ...['null', 'NULL', 'undefined', 'None', 'nil', 'NaN', 'Patient/null', `${base}/Patient/undefined`].map(
      (one): [unknown, string] => [one, noId],
    ),
    ['00000000-0000-0000-0000-000000000000', noId],
    ['urn:uuid:00000000-0000-0000-0000-000000000000', noId],
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

      const text = 'The health plan did not say whose record this is.';
      expectEnd(test, response, { error: 'server_error', text, detail, signals: down });
      expect(revokedTokens(test)).toEqual(['payer-refresh-token']);
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
});
