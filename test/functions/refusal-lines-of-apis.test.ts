import { discovery } from '../../functions/discovery/discovery.ts';
import { base64url } from '../../functions/shared/base64url.ts';
import { GatewayError } from '../../functions/shared/errors.ts';
import { writeBearer } from '../../functions/shared/store/bearers.ts';
import { fetchGateway, fhir, issueOf, read } from '../support/fetch-gateway.ts';
import { apiEvent, call, testDeps } from '../support/gateway.ts';
import {
  basic,
  bodyOf,
  gateway,
  northwindTokens,
  pkce,
  redirectUri,
  sentBack,
  throttled,
  verifier,
  withoutPartner,
  withPartner,
} from '../support/login.ts';

/** What a refusal said to the caller, its log line, and whom the request named. */
interface Refused {
  readonly told: string | undefined;
  readonly line: Readonly<Record<string, unknown>>;
}
interface Known {
  readonly payer?: string;
  readonly partner?: string;
  readonly grantId?: string;
}
type Row<Test> = readonly [title: string, refuse: (test: Test) => Promise<unknown>, known: Known];

const payer = 'northwind';
const partner = 'demo-partner';
const both = { payer, partner };
/** Stands for the id of the grant that the test made. */
const grantId = 'of the grant';
const all = { payer, partner, grantId };

const lastLine = (lines: readonly string[]): Refused['line'] => JSON.parse(lines.at(-1) ?? '{}') as Refused['line'];

/** The line, with a placeholder for the grant that exists. */
const namedIn = ({ line }: Refused, grants: Iterable<string>): Known => {
  const named = Object.entries({
    payer: line['payer'],
    partner: line['partner'],
    grantId: [...grants].includes(String(line['grantId'])) ? grantId : line['grantId'],
  });
  return Object.fromEntries(named.filter(([, value]) => value !== undefined));
};

const promises = <Test extends { readonly dynamo: ReturnType<typeof testDeps>['dynamo'] }>(
  rows: readonly Row<Test>[],
  refusedBy: (refuse: Row<Test>[1]) => Promise<Refused & { readonly test: Test }>,
): void => {
  it.each(rows)('for %s has who the request named, and why', async (...row) => {
    const [, refuse, known] = row;
    const { test, ...refused } = await refusedBy(refuse);

    expect(refused.told).toBeDefined();
    expect(namedIn(refused, test.dynamo.items('Grants').keys())).toEqual(known);
    expect(refused.line['error'] ?? refused.line['detail']).toMatch(/\w/);
    expect(refused.line['detail']).toMatch(/\w/);
  });

  it('is the same for the same sentence only', async () => {
    const sentenceOf = new Map<string, string | undefined>();
    for (const [title, refuse] of rows) {
      const { told, line } = await refusedBy(refuse);
      const logged = [line['function'], line['error'], line['detail']].join(' | ');
      expect([title, sentenceOf.has(logged) ? sentenceOf.get(logged) : told]).toEqual([title, told]);
      sentenceOf.set(logged, told);
    }
  });
};

type Gateway = ReturnType<typeof gateway>;

/** A login up to the payer's redirect, with a payer that gives this answer. */
const atCallback =
  (answer: Record<string, string>, http?: () => Promise<Response>) =>
  async (test: Gateway): Promise<unknown> => {
    const { state, cookie } = await test.start();
    if (http !== undefined) test.payer.http = http;
    const { code: _, ...fromPayer } = test.fromPayer(state);
    return test.callback({ ...fromPayer, ...answer }, { cookie });
  };

const withCode = (http: () => Promise<Response>) => atCallback({ code: 'payer-code' }, http);
const status = (code: number) => async (): Promise<Response> => new Response('', { status: code });

describe('the line of a redirect with an error', () => {
  const denied = (change: object) => (test: Gateway) =>
    test.reconfigured(withPartner(partner, change)).authorize({ scope: 'patient/*.rs' });
  const rows: readonly Row<Gateway>[] = [
    ['a payer that the app may not use', denied({ payers: ['demo-health-plan'] }), both],
    ['a long state', (test) => test.authorize({ state: 'x'.repeat(3000) }), both],
    ['another response_type', (test) => test.authorize({ response_type: 'token' }), both],
    ['another response_mode', (test) => test.authorize({ response_mode: 'fragment' }), both],
    ['a request object', (test) => test.authorize({ request: 'x' }), both],
    ['another audience', (test) => test.authorize({ aud: 'https://other.example' }), both],
    ['no challenge', denied({ pkceOptional: false }), both],
    ['another challenge method', (test) => test.authorize({ ...pkce, code_challenge_method: 'plain' }), both],
    ['a short challenge', (test) => test.authorize({ ...pkce, code_challenge: 'x' }), both],
    ['a long scope', (test) => test.authorize({ scope: 'x'.repeat(17_000) }), both],
    ['nothing to read', (test) => test.authorize({ scope: 'openid' }), both],
    [
      'a repeated parameter',
      (test) =>
        test.authorize([
          ['client_id', partner],
          ['redirect_uri', redirectUri],
          ['scope', 'a'],
          ['scope', 'b'],
        ]),
      both,
    ],
    [
      'a table that is down',
      (test) => {
        test.dynamo.failNext('PutItem', throttled());
        return test.authorize();
      },
      both,
    ],
    ['a member who refuses at the payer', atCallback({ error: 'access_denied' }), both],
    ['a payer that says it is down', atCallback({ error: 'temporarily_unavailable' }), both],
    ['another error of the payer', atCallback({ error: 'invalid_scope' }), both],
    ['no code', atCallback({}), both],
    ['a stopped payer', withCode(() => Promise.reject(Object.assign(new Error(), { code: 'ECONNREFUSED' }))), both],
    ['a slow payer', withCode(() => Promise.reject(new DOMException('x', 'TimeoutError'))), both],
    ['a payer with 503', withCode(status(503)), both],
    ['a payer with a page', withCode(async () => new Response('<html>')), both],
    ['a refused client', withCode(async () => Response.json({ error: 'invalid_client' }, { status: 401 })), both],
    ['a refused code', withCode(async () => Response.json({ error: 'invalid_grant' }, { status: 400 })), both],
    ['an answer of an unknown kind', withCode(async () => Response.json({ error: 5 }, { status: 400 })), both],
    ['no patient', withCode(async () => Response.json({ ...northwindTokens, patient: undefined })), both],
    ['a scope that reads nothing', withCode(async () => Response.json({ ...northwindTokens, scope: 'openid' })), both],
    [
      'a secret that is missing',
      (test) => {
        const detail = 'the secret of payer northwind is missing or not in its form';
        const message = 'This health plan is not available at the moment.';
        test.secrets[payer] = new GatewayError('temporarily_unavailable', message, { detail });
        return withCode(status(200))(test);
      },
      both,
    ],
    [
      'a secret of another kind',
      (test) => {
        test.secrets[payer] = { client_secret: 'x' };
        return withCode(status(200))(test);
      },
      both,
    ],
  ];

  promises(rows, async (refuse) => {
    const test = gateway();
    const response = (await refuse(test)) as Parameters<typeof sentBack>[0];
    return { test, told: sentBack(response)['error_description'], line: lastLine(test.lines) };
  });
});

describe('the line of an error at token, revoke or introspect', () => {
  const app = (): Record<string, string> => basic('another-app', 'demo-partner-secret');
  const token = (form: Record<string, string>, headers?: Record<string, string>) => (test: Gateway) =>
    test.token(form, headers);
  const refreshed =
    (form: Record<string, string> = {}, headers?: Record<string, string>) =>
    async (test: Gateway): Promise<unknown> =>
      test.refresh((await test.connect()).refresh_token, form, headers);
  const redeemed =
    (form: Record<string, string>, headers?: Record<string, string>) =>
    async (test: Gateway): Promise<unknown> =>
      test.redeem(await test.login(pkce), form, headers);
  const later = (seconds: number) => async (test: Gateway) => {
    const { refresh_token: shown } = await test.connect();
    test.passSeconds(seconds);
    return test.refresh(shown);
  };
  const rows: readonly Row<Gateway>[] = [
    ['no grant type', token({ code: 'x' }), { partner }],
    ['another grant type', token({ grant_type: 'password' }), { partner }],
    ['no client', token({ grant_type: 'authorization_code', code: 'x' }, {}), {}],
    ['no code', token({ grant_type: 'authorization_code' }), { partner }],
    ['no refresh token', token({ grant_type: 'refresh_token' }), { partner }],
    ['a malformed code', token({ grant_type: 'authorization_code', code: 'p2pc_x' }), { partner }],
    ['a malformed refresh token', token({ grant_type: 'refresh_token', refresh_token: 'p2pr_x' }), { partner }],
    ['a wrong secret', token({ grant_type: 'refresh_token', refresh_token: 'x' }, basic(partner, 'x')), { partner }],
    ['two ways of authentication', token({ grant_type: 'refresh_token', client_secret: 'x' }), {}],
    [
      'a code that was never issued',
      token({
        grant_type: 'authorization_code',
        code: writeBearer({ kind: 'code', grantId: base64url(Buffer.alloc(16)), secret: Buffer.alloc(32) }),
      }),
      { partner },
    ],
    ['no verifier', redeemed({}), all],
    ['a wrong verifier', redeemed({ code_verifier: 'x'.repeat(43) }), all],
    ['another redirect URI', redeemed({ code_verifier: verifier, redirect_uri: 'https://other.example' }), all],
    [
      "another client's code",
      redeemed({ client_id: 'demo-app', code_verifier: verifier }, {}),
      { ...all, partner: 'demo-app' },
    ],
    [
      'a code after its time',
      async (test) => {
        const code = await test.login(pkce);
        test.passSeconds(61);
        return test.redeem(code, { code_verifier: verifier });
      },
      all,
    ],
    [
      'a code that is used twice',
      async (test) => {
        const code = await test.login(pkce);
        await test.redeem(code, { code_verifier: verifier });
        return test.redeem(code, { code_verifier: verifier });
      },
      all,
    ],
    ["a confidential client's refresh token without its secret", refreshed({}, {}), all],
    ["another client's refresh token", refreshed({ client_id: 'demo-app' }, {}), { ...all, partner: 'demo-app' }],
    ['a wider scope', refreshed({ scope: 'user/Observation.rs system/*.rs' }), all],
    ['a grant that is over', later(200 * 24 * 3600), all],
    [
      'a partner that left the configuration',
      async (test) => {
        const { refresh_token: shown } = await test.connect();
        const change = withPartner(partner, { payers: ['demo-health-plan'] });
        return test.reconfigured(change).refresh(shown);
      },
      all,
    ],
    [
      'a partner that may no longer refresh',
      async (test) => {
        const { refresh_token: shown } = await test.connect();
        return test.reconfigured(withPartner(partner, { scopes: ['patient/*.rs'] })).refresh(shown);
      },
      all,
    ],
    [
      'a partner that is out altogether',
      async (test) => {
        const { refresh_token: shown } = await test.connect();
        return test.reconfigured(withoutPartner(partner)).refresh(shown);
      },
      {},
    ],
    [
      'a reused refresh token',
      async (test) => {
        const { refresh_token: shown } = await test.connect();
        await test.refresh(shown);
        test.passSeconds(3600);
        return test.refresh(shown);
      },
      all,
    ],
    [
      'a table that is down',
      async (test) => {
        const { refresh_token: shown } = await test.connect();
        test.dynamo.failNext('GetItem', throttled());
        return test.refresh(shown);
      },
      { partner },
    ],
    ['revoking nothing', (test) => test.revoke({}), { partner }],
    [
      "revoking another client's token",
      async (test) => test.revoke({ token: (await test.connect()).refresh_token, client_id: 'demo-app' }, {}),
      { ...all, partner: 'demo-app' },
    ],
    ['revoking as a stranger', async (test) => test.revoke({ token: (await test.connect()).refresh_token }, {}), all],
    ['introspecting nothing', (test) => test.introspect({}), { partner }],
    [
      'introspecting as a public client',
      (test) => test.introspect({ token: 'x', client_id: 'demo-app' }, {}),
      { partner: 'demo-app' },
    ],
    ['introspecting as an unknown client', (test) => test.introspect({ token: 'x' }, app()), {}],
  ];

  promises(rows, async (refuse) => {
    const test = gateway();
    const response = (await refuse(test)) as Parameters<typeof bodyOf>[0];
    return { test, told: bodyOf(response).error_description, line: lastLine(test.lines) };
  });
});

type Fetch = ReturnType<typeof fetchGateway>;

describe('the line of an error of the FHIR route', () => {
  type Options = Parameters<typeof read>[3];
  const asked =
    (path: string, options: Options = {}, grant: Parameters<Fetch['grant']>[0] = {}) =>
    async (test: Fetch): Promise<unknown> =>
      read(test.deps, path, (await test.grant(grant)).token, options);
  const answered =
    (http: () => Promise<Response>, path = 'Observation') =>
    (test: Fetch): Promise<unknown> => {
      test.payer.http = http;
      return asked(path)(test);
    };
  const forged = (id: string) =>
    writeBearer({ kind: 'access', grantId: id, grantKey: Buffer.alloc(32), secret: Buffer.alloc(32) });
  const rows: readonly Row<Fetch>[] = [
    ['an unknown payer', asked('Patient', { payer: 'nobody' }), {}],
    ['a write', asked('Patient', { method: 'PUT' }), { payer }],
    ['no token', (test) => read(test.deps, 'Patient', undefined), { payer }],
    ['a token in the query', (test) => read(test.deps, 'Patient', undefined, { query: 'access_token=x' }), { payer }],
    ['a malformed token', (test) => read(test.deps, 'Patient', 'x'), { payer }],
    ['a token without a grant', (test) => read(test.deps, 'Patient', forged(base64url(Buffer.alloc(16)))), { payer }],
    [
      'a token that was never given for its grant',
      async (test) => read(test.deps, 'Patient', forged((await test.grant()).grantId)),
      { payer },
    ],
    [
      'an expired token',
      async (test) => {
        const { token } = await test.grant({ accessLives: 10 });
        test.passSeconds(11);
        return read(test.deps, 'Patient', token);
      },
      all,
    ],
    [
      'a token from before the last two refreshes',
      async (test) => {
        const { token, grantId: id } = await test.grant();
        const item = test.dynamo.items('Grants').get(id) ?? {};
        Object.assign(item, { accessHash: { S: 'x'.repeat(43) } });
        return read(test.deps, 'Patient', token);
      },
      all,
    ],
    ["another payer's token", asked('Patient', { payer: 'demo-health-plan' }), { ...all, payer: 'demo-health-plan' }],
    [
      'a grant that was revoked',
      async (test) => {
        const { token, grantId: id } = await test.grant();
        Object.assign(test.dynamo.items('Grants').get(id) ?? {}, { revokedAt: { N: '1' } });
        return read(test.deps, 'Patient', token);
      },
      all,
    ],
    [
      'a partner that is out',
      async (test) => read(test.reconfigured(withoutPartner(partner)), 'Patient', (await test.grant()).token),
      all,
    ],
    [
      'a table that is down',
      async (test) => {
        const { token } = await test.grant();
        test.dynamo.failNext('GetItem', throttled());
        return read(test.deps, 'Patient', token);
      },
      { payer },
    ],
    [
      "a partner's own limit",
      async (test) => {
        const takeTurn: Fetch['deps']['takeTurn'] = () =>
          Promise.resolve({ taken: false, remaining: 0, resetSeconds: 1 });
        return read({ ...test.deps, takeTurn }, 'Patient', (await test.grant()).token);
      },
      all,
    ],
    ['a malformed path', asked('%'), all],
    ['an invalid path', asked('Patient/a b'), all],
    ['no type', asked(''), all],
    ['an unknown type', asked('Unknown'), all],
    ['a long path', asked('Patient/a/_history/1/2'), all],
    ['an operation', asked('$export'), all],
    ['_search by GET', asked('Observation/_search'), all],
    ['another format', asked('Observation', { query: '_format=xml' }), all],
    ['another Accept', asked('Observation', { headers: { Accept: 'text/html' } }), all],
    ['an unknown parameter', asked('Observation', { query: 'x=1' }), all],
    ['an unknown parameter of another type', asked('Condition', { query: 'x=1' }), all],
    ['a made-up page', asked('Observation', { query: 'page=2' }), all],
    ['an unknown chain', asked('Observation', { query: 'x.y=1' }), all],
    ['_filter', asked('Observation', { query: '_filter=x' }), all],
    ["another grant's page link", asked('', { query: '_link=x' }), all],
    ['a parameter beside a page link', asked('', { query: '_link=x&x=1' }), all],
    ['another patient', asked('Patient/other'), all],
    ['a patient by name', asked('Patient', { query: 'identifier=x' }), all],
    ['a scope that is too small', asked('Observation', {}, { scope: 'patient/Condition.rs' }), all],
    ['a scope without a type', asked('Observation', {}, { scope: 'openid' }), all],
    ['a stopped payer', answered(() => Promise.reject(Object.assign(new Error(), { code: 'ECONNREFUSED' }))), all],
    ['a slow payer', answered(() => Promise.reject(new DOMException('x', 'TimeoutError'))), all],
    ['a payer with 500', answered(status(500)), all],
    ['a payer with 503', answered(status(503)), all],
    ['a payer with 429', answered(status(429)), all],
    ['a payer with 403', answered(status(403)), all],
    ['a payer with 404', answered(status(404)), all],
    ['a payer with a page', answered(async () => new Response('<html>')), all],
    [
      'a large answer',
      answered(async () => fhir('{}', { headers: { 'content-length': String(300 * 1024 * 1024) } })),
      all,
    ],
    [
      'a refused refresh',
      async (test) => {
        test.payer.http = async () => Response.json({ error: 'invalid_grant' }, { status: 400 });
        const tokens = { accessToken: 'a', refreshToken: 'r', expiresAt: 1 };
        return asked('Observation', {}, { tokens })(test);
      },
      all,
    ],
    [
      'payer tokens that cannot be refreshed',
      asked('Observation', {}, { tokens: { accessToken: 'a', expiresAt: 1 } }),
      all,
    ],
    [
      'an audit that is down',
      async (test) => {
        test.payer.http = async () => fhir({});
        const openGate = () => Promise.reject(throttled());
        return read({ ...test.deps, openGate }, 'Observation', (await test.grant()).token);
      },
      all,
    ],
  ];

  promises(rows, async (refuse) => {
    const test = fetchGateway();
    const answer = (await refuse(test)) as Awaited<ReturnType<typeof read>>;
    // Two sentences that differ only in the payer's id or a parameter's name count as one.
    return { test, told: issueOf(answer).diagnostics.replaceAll(/"[^"]*"/g, '"…"'), line: lastLine(test.lines) };
  });
});

describe('the line of an error of discovery', () => {
  type Discovery = ReturnType<typeof testDeps>;
  const asked =
    (resource: string, id: string, method = 'GET') =>
    (test: Discovery) =>
      call(discovery(test.deps), apiEvent(resource, { method, path: { payer: id } }));
  const rows: readonly Row<Discovery>[] = [
    ['an unknown payer', asked('/r4/{payer}/.well-known/smart-configuration', 'nobody'), {}],
    ['metadata of an unknown payer', asked('/r4/{payer}/metadata', 'nobody'), {}],
    ['another method', asked('/r4/{payer}/metadata', payer, 'PUT'), { payer }],
    ['another path', asked('/r4/{payer}/else', payer), { payer }],
  ];

  promises(rows, async (refuse) => {
    const test = testDeps();
    const { body } = (await refuse(test)) as { body: string };
    const { error_description: told, issue } = JSON.parse(body) as {
      error_description?: string;
      issue?: [{ diagnostics: string }];
    };
    return { test, told: told ?? issue?.[0].diagnostics, line: lastLine(test.lines) };
  });
});
