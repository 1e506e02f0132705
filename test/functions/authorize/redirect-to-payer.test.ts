import { createHash } from 'node:crypto';
import { checkStage } from '../../../config/checks/check-stage.ts';
import { localStage } from '../../../config/local.ts';
import { cookiesOf, startMs } from '../../support/gateway.ts';
import { gateway, pkce, redirectUri, sentBack, withPayer } from '../../support/login.ts';

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
