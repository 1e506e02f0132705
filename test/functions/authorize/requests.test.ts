import { createHash } from 'node:crypto';
import { checkStage } from '../../../config/checks/check-stage.ts';
import { localStage } from '../../../config/local.ts';
import type { ApiResponse } from '../../../functions/shared/http/api.ts';
import { apiEvent, call, cookiesOf, startMs } from '../../support/gateway.ts';
import {
  expectErrorPage,
  gateway,
  pkce,
  redirectUri,
  sentBack,
  throttled,
  withPartner,
  withPayer,
} from '../../support/login.ts';
import type { Change, Pairs } from '../../support/login/requests.ts';
import { words } from '../../support/words.ts';

describe('authorize, on success', () => {
  it('adds a profile’s extra parameters, and keeps those of the endpoint URL', async () => {
    const { reconfigured } = gateway();
    const quirks = { ...localStage().payers[1]!.quirks, extraAuthorizeParameters: { prompt: 'login' } };
    const change = withPayer('northwind', { quirks, authorizationEndpoint: 'https://plan.example/authorize?tenant=7' });

    const response = await reconfigured(change).authorize();

    expect(sentBack(response)).toMatchObject({ prompt: 'login', tenant: '7' });
  });

  it('accepts the reference page’s request: no response_type, no scope, no PKCE', async () => {
    const { authorize } = gateway();

    const response = await authorize([
      ['client_id', 'demo-partner'],
      ['redirect_uri', redirectUri],
    ]);

    expect(response.headers['Location']).toContain('127.0.0.1:3003');
  });

  it('stores what the return needs, by one write and no other call, and logs who asked whom', async () => {
    const { authorize, dynamo, payer, lastLine } = gateway();

    await authorize({ scope: 'patient/Observation.rs', ...pkce });

    expect(dynamo.calls()).toEqual(['PutItem']);
    expect(payer.requests).toEqual([]);
    const [item] = dynamo.items('LoginAttempts').values();
    expect(item).toMatchObject({
      payer: { S: 'northwind' },
      partner: { S: 'demo-partner' },
      redirectUri: { S: redirectUri },
      codeChallenge: { S: pkce.code_challenge },
      createdAt: { N: String(startMs / 1000) },
    });
    const about = { payer: 'northwind', partner: 'demo-partner', status: 302, outcome: 'ok' };
    expect(lastLine()).toMatchObject({ function: 'authorize', step: 'authorize', ...about });
  });

  it('keeps neither state, cookie, verifier nor the partner’s state in the clear, and only for 30 minutes', async () => {
    const { authorize, dynamo } = gateway();

    const response = await authorize({ state: 'canary-partner-state', ...pkce });

    const [[key, item] = [], ...others] = [...dynamo.items('LoginAttempts')];
    const text = JSON.stringify(item) + Buffer.from(item?.['sealed']?.B ?? []).toString('latin1');
    const { state = '' } = sentBack(response);
    expect(others).toEqual([]);
    expect(key).toBe(createHash('sha256').update(state).digest('base64url'));
    expect(item?.['expiresAt']).toEqual({ N: String(startMs / 1000 + 1800) });
    for (const secret of [state, 'canary-partner-state', cookiesOf(response).split('=')[1] ?? '']) {
      expect(secret).not.toBe('');
      expect(text).not.toContain(secret);
    }
  });
});

describe('the login cookie', () => {
  it('is for this host and https only, hidden from scripts, Lax, and lives 30 minutes at most', async () => {
    const { authorize } = gateway();

    const cookies = (await authorize()).multiValueHeaders?.['Set-Cookie'] ?? [];

    expect(cookies).toEqual([
      expect.stringMatching(
        /^__Host-p2p-login-[\w-]{10}=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=1800$/,
      ),
    ]);
  });

  it('makes a plain http origin that is not loopback refuse to start', () => {
    const stage = { ...localStage(), origin: 'http://gateway.example.org' };

    expect(() => checkStage(stage, 'config/x.ts')).toThrow(/config\/x\.ts: origin: uses plain http/);
  });

  it('deletes only cookies of abandoned attempts, however many others there are', async () => {
    const { authorize } = gateway();
    const Cookie = Array.from({ length: 60 }, (_, index) => `__Host-other-${index}=x`).join('; ');

    const response = await authorize({}, { headers: { Cookie } });

    expect(response.multiValueHeaders?.['Set-Cookie']).toHaveLength(1);
  });

  it('deletes no waiting sign-in for names that a sibling domain put inside a cookie of its own', async () => {
    const { authorize } = gateway();
    const fakes = Array.from({ length: 60 }, (_, index) => `__Host-p2p-login-fake${index}=1`).join(',');
    const Cookie = `__Host-p2p-login-waiting01=x; shared=1,${fakes}`;

    const response = await authorize({}, { headers: { Cookie } });

    const set = response.multiValueHeaders?.['Set-Cookie'] ?? [];
    expect(set.filter((cookie) => cookie.endsWith('Max-Age=0'))).toEqual([]);
  });
});

const title = 'This link does not work';
const payer = 'northwind';
interface Refusal {
  readonly error: string;
  readonly text: string;
  readonly detail?: string;
  readonly partner?: string;
  readonly state?: string | undefined;
  readonly outcome?: string;
  readonly calls?: readonly string[];
}

/** Expects a redirect to the partner with the error and its sentence, and a log line that says why. */
const expectSentBack = (
  test: ReturnType<typeof gateway>,
  response: ApiResponse,
  { error, text, detail = text, partner = 'demo-partner', outcome = 'refused', calls = [], ...sent }: Refusal,
): void => {
  expect(response.statusCode).toBe(302);
  expect(response.headers['Location']).toMatch(/^http:\/\/localhost:3002\/(app\/)?callback\?/);
  expect(sentBack(response)).toEqual({
    error,
    error_description: text,
    ...('state' in sent ? {} : { state: 'partner-state' }),
    iss: 'http://localhost:3000/r4/northwind',
  });
  expect(test.dynamo.calls()).toEqual(calls);
  const about = { function: 'authorize', step: 'authorize', payer, partner };
  expect(test.lastLine()).toMatchObject({ ...about, error, detail, outcome });
};

const noClient = 'The app that sent you here is not registered (client_id).';
const noAddress = 'The app that sent you here gave an address to return to that is not registered (redirect_uri).';

const repeated = (name: string) => `The app that sent you here gave its ${name} more than once.`;
const request: Pairs = [
  ['client_id', 'demo-partner'],
  ['redirect_uri', redirectUri],
];

describe('authorize, before the partner is trusted', () => {
  type Row = [string, Change | Pairs, string, string | undefined];
  it.each<Row>([
    ['an unknown client', { client_id: 'nobody' }, noClient, undefined],
    ['a client id in another letter case', { client_id: 'Demo-Partner' }, noClient, undefined],
    ['no client', { client_id: '' }, 'client_id is missing.', undefined],
    ['no redirect URI', { redirect_uri: '' }, 'redirect_uri is missing.', 'demo-partner'],
    ['a repeated client', [...request, ['client_id', 'demo-partner']], repeated('client_id'), undefined],
    ['a repeated redirect URI', [...request, ['redirect_uri', redirectUri]], repeated('redirect_uri'), undefined],
    ...Object.entries({
      'another case': 'http://localhost:3002/Callback',
      'a host in another letter case': 'http://LOCALHOST:3002/callback',
      'a path parameter': 'http://localhost:3002/callback/..;/evil',
      'several @': 'http://localhost:3002@evil.example@localhost:3002/callback',
      'an added query': `${redirectUri}?a=b`,
      'an added fragment': `${redirectUri}#a`,
      'a tab': `${redirectUri}\t`,
      'a line break': `${redirectUri}\n`,
      'an encoded tab': `${redirectUri}%09`,
      'a trailing slash': `${redirectUri}/`,
      'another port, for a client that is not a native app': 'http://localhost:4000/callback',
      'another partner’s redirect URI': 'http://localhost:3002/app/callback',
    }).map(([what, redirect_uri]): Row => [what, { redirect_uri }, noAddress, 'demo-partner']),
  ])('answers %s with a page, no redirect, and nothing sent or kept', async (_, query, text, partner) => {
    const test = gateway();

    const response = await test.authorize(query);

    expectErrorPage(test, response, { title, text, payer, partner });
    expect(test.dynamo.calls()).toEqual([]);
    expect(test.payer.requests).toEqual([]);
  });

  it('answers an unknown payer with a page that leads back to the partner', async () => {
    const test = gateway();

    const response = await test.authorize({}, { payer: 'nobody' });
    const text =
      'The last part of the path is no id of a health plan here. Letter case counts; GET /brands lists the ids.';

    expectErrorPage(test, response, { title, text });
    expect(response.body).toContain('<a class="button" href="http://localhost:3002/">Go back to Demo Partner</a>');
  });

  it('answers another method with a page', async () => {
    const test = gateway();

    const response = await test.authorize({}, { method: 'PUT' });

    const text = 'Use GET or POST.';
    const page = { title: 'This address cannot be used that way', text, status: 405, error: 'method_not_allowed' };
    expectErrorPage(test, response, { ...page, payer });
  });

  it('answers a JSON body with a page', async () => {
    const test = gateway();
    const event = apiEvent('/oauth2/authorize/{payer}', {
      method: 'POST',
      path: { payer },
      form: '{}',
      headers: { 'Content-Type': 'application/json' },
    });

    const response = await call(test.handlers.authorize, event);

    expectErrorPage(test, response, {
      title,
      text: 'Send the parameters as application/x-www-form-urlencoded.',
      payer,
    });
  });
});

describe('a native app’s loopback redirect URI', () => {
  const app = (uri: string, { authorize }: Pick<ReturnType<typeof gateway>, 'authorize'> = gateway()) =>
    authorize({ client_id: 'demo-app', redirect_uri: uri, ...pkce });
  const page = { title, text: noAddress, payer, partner: 'demo-app' };

  it.each(['', ':1', ':51004', ':65535'])('may have any port: http://127.0.0.1%s/callback', async (port) => {
    const response = await app(`http://127.0.0.1${port}/callback`);

    expect(response.headers['Location']).toContain('127.0.0.1:3003');
  });

  it.each([
    ...words(`
      http://127.0.0.1:51004/other http://127.0.0.1:51004/callback?a=b http://127.0.0.1:51004
      http://127.0.0.1:65536/callback
    `),
    // Not a port that an app could listen on, and another spelling of one.
    ...words(`
      http://127.0.0.1:0/callback http://127.0.0.1:00080/callback http://127.0.0.1:51004@evil.example/callback
      http://127.0.0.1.evil.example/callback http://127.0.0.2/callback http://[::1]:51004/callback
      http://2130706433/callback https://127.0.0.1:51004/callback
    `),
  ])('may not differ in anything else: %s', async (uri) => {
    const test = gateway();

    expectErrorPage(test, await app(uri, test), page);
  });

  it('is the only kind that may differ: a web app’s must match exactly', async () => {
    const web = withPartner('demo-app', { redirectUris: ['https://app.example/callback'] });
    const test = gateway();

    for (const uri of ['https://evil.example/callback', 'https://app.example:8443/callback', 'http://127.0.0.1']) {
      expectErrorPage(test, await app(uri, test.reconfigured(web)), page);
    }
  });
});

describe('authorize, once the partner is trusted', () => {
  const publicApp = { client_id: 'demo-app', redirect_uri: 'http://localhost:3002/app/callback' };
  const challenge = pkce.code_challenge;
  const hash = 'code_challenge must be a SHA-256 hash in base64url.';
  const base = 'http://localhost:3000/r4/northwind';
  const aud = `aud must be ${base}.`;
  const resource = `resource must be ${base}.`;
  const tooLong = 'scope is too long: at most 16384 characters of different scopes.';
  const scopeOf = (characters: number): string => 'x'.repeat(characters);
  const manyParts = Array.from({ length: 4000 }, (_none, at) => `x${at}`).join(' ');
  /** What is refused, the request, the error's text, its code, and the log's detail if that differs. */
  type Row = [string, Record<string, string>, string, string?, string?];
  const readable = 'Ask for something to read that this app is registered for, such as patient/*.rs.';

  const noMethod = 'code_challenge_method must be S256.';
  const noChallenge = 'code_challenge is missing (PKCE, S256).';
  const onlyCode = 'response_type must be code.';
  const onlyQuery = 'response_mode must be query.';
  const noObjects = 'Request objects are not supported.';
  const elsewhere = 'https://other.example';
  it.each<Row>([
    ['a missing challenge', publicApp, noChallenge],
    ['a plain challenge', { ...publicApp, ...pkce, code_challenge_method: 'plain' }, noMethod],
    ['a challenge without its method, which would be plain', { ...publicApp, code_challenge: challenge }, noMethod],
    ['a malformed challenge', { ...publicApp, ...pkce, code_challenge: 'too-short' }, hash],
    ['a padded challenge', { ...publicApp, ...pkce, code_challenge: `${challenge}=` }, hash],
    ['a longer challenge', { ...publicApp, ...pkce, code_challenge: `A${challenge}` }, hash],
    ['a method without a challenge, though PKCE is optional', { code_challenge_method: 'S256' }, noChallenge],
    ['response_type token', { response_type: 'token' }, onlyCode, 'unsupported_response_type'],
    ['response_type code id_token', { response_type: 'code id_token' }, onlyCode, 'unsupported_response_type'],
    ['response_mode form_post', { response_mode: 'form_post' }, onlyQuery],
    ['response_mode fragment', { response_mode: 'fragment' }, onlyQuery],
    ['a request object', { request: 'eyJ' }, noObjects],
    ['a request object by reference', { request_uri: 'https://partner.example/r' }, noObjects],
    ['another payer’s base as aud', { aud: 'http://localhost:3000/r4/demo-health-plan' }, aud],
    ['the payer’s own base as aud', { aud: 'http://127.0.0.1:3003/r4' }, aud],
    ['another base as resource', { resource: elsewhere }, resource],
    ['the base with two slashes as resource', { resource: `${base}//` }, resource],
    ['another base as resource beside the right aud', { aud: `${base}/`, resource: elsewhere }, resource],
    ...[
      ['a scope that writes', 'patient/Observation.cruds', 'patient/Observation.cruds'],
      ['a scope of SMART 1.0 that writes', 'patient/*.write patient/*.*', 'patient/*.write, patient/*.*'],
      ['a granular scope', 'patient/Observation.rs?category=lab', 'patient/Observation.rs?category=lab'],
      ['a scope of another context', 'user/*.rs system/*.rs', 'user/*.rs, system/*.rs'],
      ['a type that R4 does not have', 'patient/Nonsense.rs', 'patient/Nonsense.rs'],
      [
        'a type misspelled',
        'launch/patient patient/observations.rs',
        'launch/patient, patient/observations.rs',
        ' FHIR R4 has no resource type observations. The nearest is Observation.',
      ],
      ['scopes that read nothing', 'launch/patient offline_access', 'launch/patient, offline_access'],
      ['an unknown scope', 'openid', 'openid'],
      ['a scope as long as may be named', 'x'.repeat(64), 'x'.repeat(64)],
      ['a scope too long to be named', 'x'.repeat(65), `${'x'.repeat(64)}...`],
      ['a scope with markup', '<b>x "y" \\ é', '?b?x, ?y?, ?, ?'],
      ['more scopes than may be named', 'a b c d e f g', 'a, b, c, d, e and 2 more'],
      ['one scope many times', 'openid '.repeat(40_000), 'openid'],
      ['different scopes of 16,384 characters', scopeOf(16_384), `${'x'.repeat(64)}...`],
    ].map(([what = '', scope = '', named = '', nearest = '']): Row => [
      what,
      { scope },
      `The scope ${named} gives this app nothing to read.${nearest} ${readable}`,
      'invalid_scope',
      'nothing to read that is registered',
    ]),
    ['a scope of very many parts', { scope: manyParts }, tooLong, 'invalid_scope', 'scope is too long'],
    ['a scope of 16,385 characters', { scope: scopeOf(16_385) }, tooLong, 'invalid_scope', 'scope is too long'],
  ])(
    'sends the browser back with an error for %s, and logs why',
    async (_, query, text, error = 'invalid_request', detail = text) => {
      const test = gateway();

      const response = await test.authorize(query);

      expectSentBack(test, response, { error, text, detail, partner: query['client_id'] ?? 'demo-partner' });
    },
  );

  it('sends the browser back if nothing in the scope can be read at this health plan', async () => {
    const test = gateway();
    const { authorize } = test.reconfigured(withPayer('northwind', { scopes: ['patient/Coverage.rs'] }));

    const response = await authorize({ scope: 'patient/Claim.rs patient/Observation.rs openid' });

    expectSentBack(test, response, {
      error: 'invalid_scope',
      text: 'The scope patient/Claim.rs, patient/Observation.rs gives nothing to read at this health plan.',
      detail: 'nothing to read that the payer is asked for',
    });
  });

  it.each([
    ['scope', 'scope'],
    ['response_type', 'response_type'],
    ['code_challenge', 'code_challenge'],
    ['ui_locales', 'ui_locales'],
    ['unheard_of', 'A parameter'],
  ])('refuses a repeated %s, and names it if it is known', async (name, named) => {
    const test = gateway();

    const response = await test.authorize([...request, ['state', 'partner-state'], [name, 'code'], [name, 'code']]);

    expectSentBack(test, response, { error: 'invalid_request', text: `${named} must not be sent more than once.` });
  });

  it('refuses a state of more than 2,048 characters, and does not return it: the headers would be too long', async () => {
    const test = gateway();

    const response = await test.authorize({ state: 'x'.repeat(2049) });

    expectSentBack(test, response, { error: 'invalid_request', text: 'state is too long.', state: undefined });
  });

  it.each(['a\nb', 'a\0b', '\u007f', '\u0085'])(
    'refuses a state with a control character, and returns it: %j',
    async (state) => {
      const back = sentBack(await gateway().authorize({ state }));

      const error_description = 'state has control characters.';
      expect(back).toMatchObject({ error: 'invalid_request', error_description, state });
    },
  );

  it('accepts a state of 2,048 characters, and returns it with an error', async () => {
    const { authorize } = gateway();
    const state = 'x'.repeat(2048);

    const [taken, refused] = [await authorize({ state }), await authorize({ state, response_type: 'token' })];

    expect(taken.headers['Location']).toContain('127.0.0.1:3003');
    expect(sentBack(refused)).toMatchObject({ error: 'unsupported_response_type', state });
  });

  it('refuses a payer that the partner may not read from', async () => {
    const test = gateway();
    const limited = withPartner('demo-partner', { payers: ['demo-health-plan'] });

    const response = await test.reconfigured(limited).authorize();

    const text = 'This app may not read from this health plan.';
    expectSentBack(test, response, { error: 'unauthorized_client', text });
  });

  it('answers temporarily_unavailable while the table fails, and never continues to the payer', async () => {
    const test = gateway();
    test.dynamo.failNext('PutItem', throttled());

    const response = await test.authorize();

    expectSentBack(test, response, {
      error: 'temporarily_unavailable',
      text: 'The service is briefly unavailable. Please try again.',
      detail: 'dynamodb: ProvisionedThroughputExceededException',
      outcome: 'failed',
      calls: ['PutItem'],
    });
    expect(response.multiValueHeaders).toBeUndefined();
  });

  it('appends to a redirect URI that already has a query', async () => {
    const { reconfigured } = gateway();
    const uri = 'https://partner.example/callback?tenant=7';
    const { authorize } = reconfigured(withPartner('demo-partner', { redirectUris: [uri] }));

    const response = await authorize({ redirect_uri: uri, response_type: 'token' });

    expect(response.headers['Location']).toMatch(/^https:\/\/partner\.example\/callback\?tenant=7&error=/);
  });
});

describe('the scope of a login attempt', () => {
  const stored = async (scope: string, registered = ['launch/patient', 'patient/*.rs', 'offline_access']) => {
    const test = gateway();
    await test.reconfigured(withPartner('demo-partner', { scopes: registered })).authorize({ scope });
    const [attempt] = test.dynamo.items('LoginAttempts').values();
    return [attempt?.['scope']?.S, attempt?.['refreshable']?.BOOL];
  };

  it.each<[string, string, readonly string[] | undefined, string, boolean]>([
    [
      'what SMART clients ask for',
      'openid fhirUser launch/patient patient/*.rs offline_access',
      undefined,
      'launch/patient patient/*.rs offline_access',
      true,
    ],
    ['no offline_access if only others were named', 'patient/*.rs online_access', undefined, 'patient/*.rs', false],
    [
      'no offline_access that is not registered',
      'patient/*.rs offline_access',
      ['patient/*.rs'],
      'patient/*.rs',
      false,
    ],
    ['of no scope all that is registered', '', ['patient/*.rs'], 'patient/*.rs', false],
    [
      'of no scope offline_access too, if it is registered',
      '',
      ['patient/*.rs', 'offline_access'],
      'patient/*.rs offline_access',
      true,
    ],
    [
      'of a wildcard the types that are registered',
      'patient/*.read',
      ['patient/Claim.rs', 'patient/Coverage.r'],
      'patient/Claim.read patient/Coverage.r',
      false,
    ],
    [
      'each scope once',
      `${'patient/*.rs '.repeat(15_000)}patient/Claim.r`,
      undefined,
      'patient/*.rs patient/Claim.r',
      false,
    ],
    ['scopes between other blanks', '\tpatient/*.rs\n openid ', undefined, 'patient/*.rs', false],
    [
      'no more than there is to grant',
      `patient/*.rs patient/Claim.rs?a=b patient/Claim.cruds system/*.rs patient/X.rs x`,
      undefined,
      'patient/*.rs',
      false,
    ],
  ])('holds %s', async (_, scope, registered, kept, refreshable) => {
    expect(await stored(scope, registered === undefined ? undefined : [...registered])).toEqual([kept, refreshable]);
  });
});
