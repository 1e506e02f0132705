import { createHash } from 'node:crypto';
import { checkStage } from '../../../config/check.ts';
import { localStage } from '../../../config/local.ts';
import { apiEvent, call, cookiesOf, startMs } from '../../support/gateway.ts';
import { gateway, pkce, redirectUri, sentBack, withPayer } from '../../support/login.ts';

describe('authorize, on success', () => {
  it('sends the browser to the payer with the gateway’s own client, redirect URI, state and challenge', async () => {
    const { authorize } = gateway();

    const response = await authorize({ response_type: 'code', ...pkce });

    expect(response.statusCode).toBe(302);
    expect(response.headers['Location']).toMatch(/^http:\/\/127\.0\.0\.1:3003\/oauth2\/authorize\?/);
    expect(sentBack(response)).toEqual({
      response_type: 'code',
      client_id: 'gateway-at-northwind',
      redirect_uri: 'http://localhost:3000/oauth2/callback/northwind',
      state: expect.stringMatching(/^[\w-]{43}$/),
      scope: 'launch/patient patient/*.rs offline_access',
      aud: 'http://127.0.0.1:3003/r4',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
  });

  it('omits what a payer’s profile says it does not want', async () => {
    const { authorize } = gateway();

    const response = await authorize({}, { payer: 'demo-health-plan' });

    expect(response.headers['Location']).toMatch(/^http:\/\/127\.0\.0\.1:3001\/oauth2\/authorize\/payer2payer\?/);
    expect(Object.keys(sentBack(response)).toSorted()).toEqual(['client_id', 'redirect_uri', 'state']);
  });

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

  it('accepts the request as a form too, as SMART requires', async () => {
    const { handlers } = gateway();
    const form = { client_id: 'demo-partner', redirect_uri: redirectUri, state: 's', response_type: 'code' };
    const event = apiEvent('/oauth2/authorize/{payer}', { method: 'POST', path: { payer: 'northwind' }, form });

    const response = await call(handlers.authorize, event);

    expect(response.headers['Location']).toContain('127.0.0.1:3003');
  });

  it('stores what the return needs, and logs who asked whom', async () => {
    const { authorize, dynamo, lines } = gateway();

    await authorize({ scope: 'patient/Observation.rs', ...pkce });

    const [item] = dynamo.items('LoginAttempts').values();
    expect(item).toMatchObject({
      payer: { S: 'northwind' },
      partner: { S: 'demo-partner' },
      redirectUri: { S: redirectUri },
      codeChallenge: { S: pkce.code_challenge },
      createdAt: { N: String(startMs / 1000) },
    });
    expect(JSON.parse(lines.join())).toMatchObject({
      function: 'authorize',
      step: 'authorize',
      payer: 'northwind',
      partner: 'demo-partner',
      status: 302,
      outcome: 'ok',
    });
  });

  it.each([
    ['no scope', '', 'launch/patient patient/*.rs offline_access', true],
    ['offline_access', 'patient/*.rs offline_access', 'patient/*.rs offline_access', true],
    ['a read alone', ' patient/Observation.rs  patient/Observation.rs', 'patient/Observation.rs', false],
  ])(
    'stores for %s which scope was requested, and whether with offline access',
    async (_, asked, scope, refreshable) => {
      const { authorize, dynamo } = gateway();

      await authorize({ scope: asked });

      const [item] = dynamo.items('LoginAttempts').values();
      expect(item).toMatchObject({ scope: { S: scope }, refreshable: { BOOL: refreshable } });
    },
  );

  it('accepts an aud with a trailing slash, which many people paste', async () => {
    const { authorize } = gateway();
    const aud = 'http://localhost:3000/r4/northwind';

    const responses = [await authorize({ aud }), await authorize({ aud: `${aud}/` })];

    for (const response of responses) expect(response.headers['Location']).toContain('127.0.0.1:3003');
  });

  it('makes one write and no other call', async () => {
    const { authorize, dynamo, payer } = gateway();

    await authorize();

    expect(dynamo.calls()).toEqual(['PutItem']);
    expect(payer.requests).toEqual([]);
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

  it('keeps the request headers under 10,240 bytes after 50 and more abandoned attempts', async () => {
    const { authorize } = gateway();
    const jar = new Map<string, string>();

    for (let attempt = 0; attempt < 70; attempt += 1) {
      const Cookie = [...jar].map((pair) => pair.join('=')).join('; ');
      const response = await authorize({}, { headers: { Cookie } });
      for (const cookie of response.multiValueHeaders?.['Set-Cookie'] ?? []) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
        if (cookie.endsWith('Max-Age=0')) jar.delete(name);
        else jar.set(name, value);
      }
    }

    expect(jar.size).toBe(50);
    expect([...jar].map((pair) => pair.join('=')).join('; ').length).toBeLessThan(10_240 / 2);
  });
});
