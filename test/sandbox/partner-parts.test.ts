import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { AuthorizationResponseError, ResponseBodyError } from 'openid-client';
import { localStage } from '../../config/local.ts';
import { send } from '../../sandbox/partner/answer.ts';
import { nameOf, parseFhir, valueOf } from '../../sandbox/partner/fhir.ts';
import { gatewayClient } from '../../sandbox/partner/gateway-client.ts';
import { html } from '../../sandbox/partner/html.ts';
import { problemOf } from '../../sandbox/partner/problem.ts';
import { countsByType, ReadError, readRecord, type Read } from '../../sandbox/partner/record.ts';
import { rememberSignIn, sessionStore, type Connection } from '../../sandbox/partner/sessions.ts';
import { readSettings } from '../../sandbox/partner/settings.ts';
import { words } from '../support/words.ts';
import { startFakeGateway } from './partner-fake-gateway.ts';

const minute = 60_000;

describe('a session of the partner app', () => {
  const visitor = (nowMs: () => number, origin = 'http://localhost:3002') => {
    const store = sessionStore(origin, nowMs);
    /** A visit that begins a sign-in, ends one, or only looks. */
    return (cookie?: string, what: 'begins' | 'connects' | 'looks' = 'begins') => {
      const set: string[] = [];
      const response = { setHeader: (_name: string, value: string) => set.push(value) };
      const headers = cookie === undefined ? {} : { cookie: `other=1; ${cookie}` };
      const session = store.of({ headers } as IncomingMessage);
      if (what === 'begins') rememberSignIn(session, 'state', { payerId: 'plan', codeVerifier: 'v' });
      if (what === 'connects') {
        session.connections.set('plan', { tokens: {}, record: undefined } as Connection);
        store.renew(session);
      }
      const { formToken } = session;
      store.keep(session, response as unknown as ServerResponse);
      return { session, formToken, set: set[0], cookie: set[0]?.split(';')[0] ?? cookie ?? '' };
    };
  };

  it.each([
    ['http://localhost:3002', /^demo_partner_session_3002=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/],
    ['https://app.example.org', /^__Host-demo_partner_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/],
  ])(
    'at %s has a cookie of its own port that scripts cannot read, that comes back with the redirect, and with TLS only over it',
    (origin, cookie) => {
      const visit = visitor(() => 0, origin);
      const { set, session, cookie: sent } = visit();
      expect(set).toMatch(cookie);
      expect(visit(sent).session).toBe(session);
    },
  );

  it('is kept, with a cookie, only when there is something to keep', () => {
    expect(visitor(() => 0)(undefined, 'looks').set).toBeUndefined();
  });

  it('has another id and another token of forms after a sign-in, and the id before finds nothing', () => {
    const visit = visitor(() => 0);
    const before = visit(undefined, 'connects');
    const { cookie } = visit(before.cookie, 'connects');
    const { session, formToken } = visit(cookie, 'looks');
    expect([...session.connections.keys()]).toEqual(['plan']);
    expect(formToken).not.toBe(before.formToken);
    expect(visit(before.cookie, 'looks').session.connections.size).toBe(0);
  });

  it('stays if it has a record, when a thousand others begin a sign-in', () => {
    const visit = visitor(() => 0);
    const { cookie } = visit(undefined, 'connects');
    for (let count = 0; count < 1001; count += 1) visit();
    expect(visit(cookie, 'looks').session.connections.size).toBe(1);
  });

  it('lasts an hour after its last use, and is then replaced', () => {
    let nowMs = 0;
    const visit = visitor(() => nowMs);
    const { session, cookie } = visit();
    nowMs += 59 * minute;
    expect(visit(cookie)).toMatchObject({ session, set: undefined });
    nowMs += 59 * minute;
    expect(visit(cookie).session).toBe(session);
    nowMs += 61 * minute;
    const later = visit(cookie);
    expect(later.session).not.toBe(session);
    expect(later.cookie).not.toBe(cookie);
  });

  it('makes room for the thousand and first: the oldest goes, the newest stays', () => {
    const visit = visitor(() => 0);
    const first = visit();
    const cookies = Array.from({ length: 1000 }, () => visit().cookie);
    expect(visit(first.cookie).session).not.toBe(first.session);
    const newest = cookies.at(-1);
    expect(visit(newest).set).toBeUndefined();
  });

  it('survives a new one that starts while it is in use', () => {
    let nowMs = 0;
    const visit = visitor(() => nowMs);
    visit();
    nowMs += 30 * minute;
    const second = visit();
    nowMs += 31 * minute;
    visit();
    expect(visit(second.cookie).session).toBe(second.session);
  });

  it('is not returned once idle, even if the clock was set back', () => {
    let nowMs = 0;
    const visit = visitor(() => nowMs);
    const idle = visit();
    nowMs += 61 * minute;
    visit();
    nowMs -= 30 * minute;
    expect(visit(idle.cookie).session).not.toBe(idle.session);
  });

  it('stays if it is the oldest of a thousand but was used last', () => {
    const visit = visitor(() => 0);
    const first = visit();
    const others = Array.from({ length: 999 }, () => visit().cookie);
    visit(first.cookie);
    visit();
    expect(visit(first.cookie).session).toBe(first.session);
    expect(visit(others[0]).set).toBeDefined();
  });

  it('remembers the newest twenty sign-ins', () => {
    const { session } = visitor(() => 0)();
    for (let count = 1; count <= 25; count += 1) {
      rememberSignIn(session, `state-${count}`, { payerId: 'plan', codeVerifier: 'v' });
    }
    expect([...session.signIns.keys()]).toEqual(Array.from({ length: 20 }, (_none, index) => `state-${index + 6}`));
  });
});

describe('the whole record', () => {
  const base = 'http://gateway/r4/plan';
  const patient = { resourceType: 'Patient', id: 'p' };
  const page = (resources: readonly object[], next?: string) => ({
    resourceType: 'Bundle',
    link: next === undefined ? [] : [{ relation: 'next', url: next }],
    entry: resources.map((resource) => ({ resource })),
  });
  const reader = (answers: Readonly<Record<string, unknown>>, otherwise = 404) => {
    const asked: string[] = [];
    const read: Read = async (url) => {
      asked.push(url);
      const found = answers[url.replace(base, '')];
      return found === undefined ? { status: otherwise, text: '{}' } : { status: 200, text: JSON.stringify(found) };
    };
    return { read, asked };
  };
  const everything = '/Patient/p/$everything?_count=100';
  const ids = ({ resources }: Awaited<ReturnType<typeof readRecord>>): string[] =>
    resources.map(({ resourceType, id }) => `${resourceType}/${id}`);

  it('has every resource of every page once, and no OperationOutcome of a search', async () => {
    const outcome = { resource: { resourceType: 'OperationOutcome', id: 'o' }, search: { mode: 'outcome' } };
    const first = page([patient, { resourceType: 'Goal', id: '1' }], `${base}?_link=2`);
    const second = page(
      [
        { resourceType: 'Goal', id: '1' },
        { resourceType: 'Goal', id: '2' },
      ],
      `${base}?_link=3`,
    );
    const third = page([{ resourceType: 'Goal', id: '3' }]);
    const { read } = reader({
      '/Patient/p': patient,
      [everything]: { ...first, entry: [...first.entry, outcome] },
      '?_link=2': second,
      '?_link=3': third,
    });
    const record = await readRecord(base, read, 'p');
    expect(ids(record)).toEqual(['Patient/p', 'Goal/1', 'Goal/2', 'Goal/3']);
    expect(record.pages).toBe(3);
  });

  it('is read type by type if there is no $everything: thirteen clinical types, each once', async () => {
    const goal = { resourceType: 'Goal', id: '1' };
    const { read, asked } = reader({
      '/Patient/p': patient,
      '/Goal?patient=p&_count=100': page([goal, patient]),
      '/Procedure?patient=p&_count=100': page([{ resourceType: 'Procedure', id: '1' }, goal]),
    });
    expect(ids(await readRecord(base, read, 'p'))).toEqual(['Patient/p', 'Goal/1', 'Procedure/1']);
    const types = asked.slice(2).map((url) => /plan\/(\w+)\?/.exec(url)?.[1]);
    expect(types).toEqual(
      words(`
      AllergyIntolerance CarePlan CareTeam Condition Device DiagnosticReport DocumentReference Encounter Goal
      Immunization MedicationRequest Observation Procedure
    `),
    );
  });

  it('is not accepted as whole if a later page is missing', async () => {
    const { read } = reader({ '/Patient/p': patient, [everything]: page([patient], `${base}?_link=2`) });
    await expect(readRecord(base, read, 'p')).rejects.toMatchObject({ status: 404 });
  });

  it.each([`http://gateway/r4/other?_link=1`, 'http://gateway/r4/plan-b/x', 'http://gateway.example/r4/plan/x'])(
    'sends no token to %s, whatever a link says',
    async (next) => {
      const { read, asked } = reader({ '/Patient/p': patient, [everything]: page([patient], next) });
      await expect(readRecord(base, read, 'p')).rejects.toThrow('links to another server');
      expect(asked).not.toContain(next);
    },
  );

  it('stops after 500 pages of an endless record', async () => {
    const { read, asked } = reader({
      '/Patient/p': patient,
      [everything]: page([], `${base}?_link=x`),
      '?_link=x': page([], `${base}?_link=x`),
    });
    await expect(readRecord(base, read, 'p')).rejects.toThrow('more than 500 pages');
    expect(asked).toHaveLength(501);
  });

  it('is counted by type, most frequent first', () => {
    const of = (resourceType: string, count: number) => Array.from({ length: count }, () => ({ resourceType }));
    const resources = [...of('Goal', 1), ...of('CarePlan', 1), ...of('Observation', 14)];
    expect(countsByType(resources).map(({ type, count }) => `${type} ${count}`)).toEqual([
      'Observation 14',
      'CarePlan 1',
      'Goal 1',
    ]);
  });
});

describe('what a page shows of FHIR', () => {
  it('is a number as the payer wrote it, a boolean as yes or no, and a name as its text has it', () => {
    const of = (value: string) => valueOf(parseFhir(`{"resourceType":"Observation",${value}}`));
    expect(of('"valueQuantity":{"value":1.00,"unit":"kg"}')).toBe('1.00 kg');
    expect(of('"valueBoolean":true')).toBe('Yes');
    expect(of('"valueBoolean":false')).toBe('No');
    const named = '{"resourceType":"Patient","name":[{"text":"Dr. A. B.","given":["A"],"family":"B"}]}';
    expect(nameOf(parseFhir(named))).toBe('Dr. A. B.');
  });

  it('is escaped in text and in attributes', () => {
    expect(html`<p title="${`<&>"'`}">${`<&>"'`}</p>`.markup).toBe(
      '<p title="&lt;&amp;&gt;&quot;&#39;">&lt;&amp;&gt;&quot;&#39;</p>',
    );
  });
});

it('a page is dated in UTC, wherever the app runs', async () => {
  const format = pathToFileURL(join(import.meta.dirname, '../../sandbox/partner/pages/format.ts')).href;
  const script = `
    const { day, moment } = await import(${JSON.stringify(format)});
    console.log(moment(${Date.UTC(2026, 0, 2, 23, 30)}), day('2011-01-04'));`;
  for (const zone of ['Pacific/Auckland', 'Pacific/Honolulu']) {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      env: { ...process.env, NODE_OPTIONS: '', TZ: zone },
    });
    expect(stdout).toMatch(/January 2, 2026 at 11:30\sPM UTC/);
    expect(stdout).toContain('January 4, 2011');
  }
});

describe('an answer of the partner app', () => {
  it.each([
    ['a page', { status: 200, page: '<p></p>' }],
    ['a redirect', { redirect: '/' }],
  ])(
    'an answer of the partner app that is %s is not cached or sniffed, and sends no Referer',
    async (_name, answer) => {
      const headers: Record<string, unknown> = {};
      const response = {
        setHeader: (name: string, value: string) => (headers[name.toLowerCase()] = value),
        writeHead: () => ({ end: () => {} }),
      };
      await send('http://gateway', response as unknown as ServerResponse, answer);
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
      });
      if ('page' in answer) {
        expect(String(headers['content-security-policy']).split('; ').sort()).toEqual([
          "base-uri 'none'",
          "default-src 'none'",
          "form-action 'self'",
          "frame-ancestors 'none'",
          "img-src 'self'",
          "style-src 'self'",
        ]);
      }
    },
  );
});

describe('a problem, as the member reads it', () => {
  const ofToken = (error: string, status: number) =>
    new ResponseBodyError('x', { cause: { error }, response: new Response('', { status }) });
  const refusal = (error: string) => new AuthorizationResponseError('x', { cause: new URLSearchParams({ error }) });
  it.each<[string, unknown, number, string, string]>([
    ['invalid_grant', ofToken('invalid_grant', 400), 200, 'has ended', 'connect'],
    ['a token endpoint with 503', ofToken('temporarily_unavailable', 503), 503, 'can’t be reached', 'connect'],
    ['invalid_client', ofToken('invalid_client', 401), 502, 'went wrong', 'connect'],
    ['a read with 401', new ReadError(401, ''), 200, 'has ended', 'connect'],
    ['a read with 403', new ReadError(403, ''), 200, 'has ended', 'connect'],
    ['a read with 429', new ReadError(429, ''), 503, 'Too many requests', 'reload'],
    ['a read with 503', new ReadError(503, ''), 503, 'can’t be reached', 'reload'],
    ['a read with 404', new ReadError(404, ''), 502, 'went wrong', 'connect'],
    ['a denial', refusal('access_denied'), 200, 'chose not to share', 'connect'],
    ['a payer that is away', refusal('temporarily_unavailable'), 503, 'can’t be reached', 'connect'],
    ['another refusal', refusal('invalid_scope'), 502, 'went wrong', 'connect'],
    ['a time-out', new DOMException('x', 'TimeoutError'), 503, 'can’t be reached', 'connect'],
    [
      'a broken connection',
      new TypeError('fetch failed', { cause: new Error('reset') }),
      503,
      'can’t be reached',
      'connect',
    ],
    ['our own defect', new TypeError('x is undefined'), 502, 'went wrong', 'connect'],
  ])('%s', (_name, error, status, title, next) => {
    const problem = problemOf(error, 'Old Plan');
    expect([problem.status, problem.next]).toEqual([status, next]);
    expect(problem.title).toContain(title);
  });
});

describe('the gateway’s client', () => {
  it('uses PKCE, aud and a fresh state, refuses a redirect with another state, and renews and revokes', async () => {
    const gateway = await startFakeGateway();
    try {
      const nowMs = 1_000_000;
      const registration = {
        gatewayOrigin: gateway.origin,
        clientId: 'demo-partner',
        clientSecret: 'secret',
        redirectUri: 'http://localhost:9/callback',
      };
      const client = gatewayClient(registration, () => nowMs);
      const { url, state, signIn } = await client.begin('plan');
      const asked = new URL(url).searchParams;
      expect(asked.get('code_challenge')).toMatch(/^[\w-]{43}$/);
      expect(Object.fromEntries(asked)).toMatchObject({
        aud: `${gateway.origin}/r4/plan`,
        code_challenge_method: 'S256',
        redirect_uri: 'http://localhost:9/callback',
        response_type: 'code',
        scope: 'launch/patient patient/*.rs offline_access',
        state,
      });
      expect((await client.begin('plan')).state).not.toBe(state);

      const back = new URL((await fetch(url, { redirect: 'manual' })).headers.get('location') ?? '');
      const forged = new URL(back);
      forged.searchParams.set('state', 'of-somebody-else');
      await expect(client.finish('plan', signIn, state, forged)).rejects.toThrow();
      // No code is sent anywhere.
      expect(gateway.seen.map(({ path }) => path)).not.toContain('/oauth2/token');
      const tokens = await client.finish('plan', signIn, state, back);
      expect(tokens).toMatchObject({ patientId: 'p1', expiresAtMs: nowMs + 3600 * 1000 });

      gateway.refreshTokenOnRenewal = undefined;
      const renewed = await client.renew('plan', tokens);
      expect(gateway.seen.at(-1)?.form.get('refresh_token')).toBe('p2pr_refresh');
      expect(renewed.accessToken).not.toBe(tokens.accessToken);
      // RFC 6749 §6: if no new one is issued, the old one stays valid.
      expect(renewed.refreshToken).toBe('p2pr_refresh');
      gateway.refreshTokenOnRenewal = 'p2pr_next';
      expect((await client.renew('plan', renewed)).refreshToken).toBe('p2pr_next');

      await client.revoke('plan', tokens);
      // Revoking the refresh token ends the grant.
      expect(gateway.seen.at(-1)?.form.get('token')).toBe('p2pr_refresh');
    } finally {
      await gateway.close();
    }
  });
});

const environment = {
  GATEWAY: 'https://gateway.example/',
  CLIENT_ID: 'my-app',
  CLIENT_SECRET: 'secret',
  PAYERS: 'demo-health-plan=Demo Health Plan, northwind=Northwind Health',
};

describe('the settings of the sample app', () => {
  it('come from the environment', () => {
    expect(readSettings({ ...environment, PORT: '5210', WEBHOOK_SECRETS: 'whsec_a whsec_b' })).toEqual({
      port: 5210,
      gatewayOrigin: 'https://gateway.example',
      clientId: 'my-app',
      clientSecret: 'secret',
      payers: [
        { id: 'demo-health-plan', displayName: 'Demo Health Plan' },
        { id: 'northwind', displayName: 'Northwind Health' },
      ],
      webhookSecrets: ['whsec_a', 'whsec_b'],
      browserApps: [],
    });
  });

  it.each([
    ['GATEWAY', undefined, 'GATEWAY is not set'],
    ['GATEWAY', 'http://gateway.example', 'GATEWAY is not an https URL'],
    ['GATEWAY', 'gateway', 'GATEWAY is not an https URL'],
    ['CLIENT_ID', ' ', 'CLIENT_ID is not set'],
    ['CLIENT_SECRET', undefined, 'CLIENT_SECRET is not set'],
    ['PAYERS', undefined, 'PAYERS is not set'],
    ['PAYERS', 'demo-health-plan', 'Write id=Name'],
    ['PAYERS', '../x=Name', 'Write id=Name'],
    ['PORT', '99999', 'Write a port'],
    ['PUBLIC_ORIGIN', 'ftp://x', 'PUBLIC_ORIGIN is not an https URL'],
  ])('say what to write if %s is %s', (name, value, said) => {
    expect(() => readSettings({ ...environment, [name]: value })).toThrow(said);
  });
});

it('each partner of the sandbox has the app’s own logo on the gateway’s pages', () => {
  const files = { 'demo-partner': 'logo', 'demo-app': 'pocket-record', 'third-party-app': 'trend-journal' };
  for (const { clientId, logo } of localStage().partners) {
    const file = files[clientId as keyof typeof files];
    const bytes = readFileSync(join(import.meta.dirname, `../../sandbox/partner/static/${file}.svg`));
    expect(logo).toBe(`data:image/svg+xml;base64,${bytes.toString('base64')}`);
  }
});
