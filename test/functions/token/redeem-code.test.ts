import {
  bodyOf,
  gateway,
  northwindTokens,
  pkce,
  redirectUri,
  verifier,
  withoutPartner,
  withPartner,
  withPayer,
} from '../../support/login.ts';
import { codeWithAnotherSecret } from './forged-bearers.ts';

describe('redeeming a code', () => {
  it('gives a pair with everything that SMART requires, and is not stored', async () => {
    const { login, redeem } = gateway();

    const response = await redeem(await login());

    expect(response.statusCode).toBe(200);
    expect(response.headers).toMatchObject({
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      Pragma: 'no-cache',
    });
    expect(bodyOf(response)).toEqual({
      access_token: expect.stringMatching(/^p2pa_[\w-]+$/),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'launch/patient patient/*.rs offline_access',
      patient: 'patient-1',
      grant_id: expect.stringMatching(/^[\w-]{22}$/),
      refresh_token: expect.stringMatching(/^p2pr_[\w-]+$/),
    });
  });

  it('reads once and writes once', async () => {
    const { login, redeem, dynamo } = gateway();
    const code = await login();
    dynamo.calls();

    await redeem(code);

    expect(dynamo.calls()).toEqual(['GetItem', 'UpdateItem']);
  });

  it('never passes on an id_token that came from the payer', async () => {
    const { login, redeem, payer } = gateway();
    payer.http = async () => Response.json({ ...northwindTokens, id_token: 'not.a.jwt' });

    const response = await redeem(await login());

    expect(response.statusCode).toBe(200);
    expect(Object.keys(bodyOf(response))).not.toContain('id_token');
  });

  it('limits the scope to the partner’s current registration, and uses up no code if nothing remains', async () => {
    const test = gateway();
    const code = await test.login();
    const under = async (scopes: string[]) =>
      bodyOf(await test.reconfigured(withPartner('demo-partner', { scopes })).redeem(code));

    const nothing = await under(['user/*.rs']);
    const narrowed = await under(['patient/Claim.rs']);

    expect(nothing).toMatchObject({ error: 'invalid_scope' });
    expect(narrowed).toMatchObject({ scope: 'patient/Claim.rs', access_token: expect.any(String) });
    expect(narrowed.refresh_token).toBeUndefined();
  });

  it('names no patient if the grant is bound to none', async () => {
    const { login, redeem } = gateway().reconfigured(withPayer('northwind', { patientFrom: 'none' }));

    const answer = bodyOf(await redeem(await login()));

    expect(Object.keys(answer)).not.toContain('patient');
  });

  it('gives no refresh token if scopes were requested without offline_access', async () => {
    const { login, redeem } = gateway();

    const answer = bodyOf(await redeem(await login({ scope: 'launch/patient patient/*.rs' })));

    expect(answer.refresh_token).toBeUndefined();
    expect(answer.scope).toBe('launch/patient patient/*.rs');
  });

  it('accepts the redirect_uri that the login began with, or none', async () => {
    const { login, redeem } = gateway();
    const code = await login();

    expect(bodyOf(await redeem(code, { redirect_uri: `${redirectUri}/` })).error).toBe('invalid_grant');
    expect((await redeem(code, { redirect_uri: redirectUri })).statusCode).toBe(200);
  });

  it('removes the wrapped key, and leaves no token in the clear', async () => {
    const { login, redeem, grant } = gateway();
    const code = await login();

    const answer = bodyOf(await redeem(code));

    const item = grant();
    const text = JSON.stringify(item) + Object.values(item).map(({ B }) => Buffer.from(B ?? []).toString('latin1'));
    expect(item['wrappedKey']).toBeUndefined();
    for (const secret of [code, answer.access_token, answer.refresh_token, 'payer-access-token']) {
      expect(text).not.toContain(secret);
    }
  });
});

describe('a code', () => {
  it('is dead after 60 s, even if its item still exists', async () => {
    const { login, redeem, passSeconds, grant } = gateway();
    const code = await login();
    passSeconds(60);

    const response = await redeem(code);

    expect(response.statusCode).toBe(400);
    expect(bodyOf(response).error).toBe('invalid_grant');
    expect(grant()['redeemedAt']).toBeUndefined();
  });

  it('is valid until then', async () => {
    const { login, redeem, passSeconds } = gateway();
    const code = await login();
    passSeconds(59);

    expect((await redeem(code)).statusCode).toBe(200);
  });

  it('is not used up by a missing, wrong or malformed verifier', async () => {
    const { login, redeem, dynamo } = gateway();
    const code = await login(pkce);
    dynamo.calls();

    const refused = [
      await redeem(code),
      await redeem(code, { code_verifier: `${verifier}x` }),
      await redeem(code, { code_verifier: 'short' }),
    ];

    for (const response of refused) expect(bodyOf(response).error).toBe('invalid_grant');
    expect(dynamo.calls()).toEqual(['GetItem', 'GetItem', 'GetItem']);
    expect((await redeem(code, { code_verifier: verifier })).statusCode).toBe(200);
  });

  it('is not used up by a verifier if the login had no challenge (PKCE downgrade)', async () => {
    const { login, redeem } = gateway();
    const code = await login();

    expect(bodyOf(await redeem(code, { code_verifier: verifier })).error).toBe('invalid_grant');
    expect((await redeem(code)).statusCode).toBe(200);
  });

  it('is not used up by another client', async () => {
    const { login, redeem } = gateway();
    const code = await login();

    const response = await redeem(code, { client_id: 'demo-app' }, {});

    expect(bodyOf(response).error).toBe('invalid_grant');
    expect((await redeem(code)).statusCode).toBe(200);
  });

  it('is not redeemed without a client', async () => {
    const { login, redeem } = gateway();
    const code = await login();

    const response = await redeem(code, {}, {});

    expect(response.statusCode).toBe(401);
    expect(bodyOf(response).error).toBe('invalid_client');
  });

  it('that is malformed is distinguished from an old one without a read, and one with another secret is unknown', async () => {
    const { login, redeem, dynamo } = gateway();
    const code = await login();
    dynamo.calls();

    const damaged = await redeem(`${code.slice(0, -1)}${code.endsWith('A') ? 'B' : 'A'}`);
    const readsOfDamaged = dynamo.calls();
    const forged = await redeem(codeWithAnotherSecret(code));

    expect(bodyOf(damaged).error_description).toContain('malformed or was not issued here');
    expect(readsOfDamaged).toEqual([]);
    expect(bodyOf(forged).error_description).toContain('unknown');
    expect((await redeem(code)).statusCode).toBe(200);
  });

  it('whose grant never existed, or was removed by TTL, is invalid_grant', async () => {
    const { login, redeem, dynamo } = gateway();
    const code = await login();
    dynamo.items('Grants').clear();

    expect(bodyOf(await redeem(code)).error).toBe('invalid_grant');
    expect([...dynamo.items('Grants')]).toEqual([]);
  });

  it.each([
    ['whose partner left the configuration', withoutPartner('demo-partner'), 'invalid_client'],
    ['whose partner lost its right to the payer', withPartner('demo-partner', { payers: [] }), 'invalid_grant'],
  ])('%s is refused', async (_, change, error) => {
    const test = gateway();
    const code = await test.login();

    const response = await test.reconfigured(change).redeem(code);

    expect(bodyOf(response).error).toBe(error);
    expect(test.grant()['redeemedAt']).toBeUndefined();
  });

  it('of a public client needs no secret, only the verifier', async () => {
    const { login, redeem } = gateway();
    const app = { client_id: 'demo-app', redirect_uri: 'http://localhost:3002/app/callback' };
    const code = await login({ ...app, ...pkce });

    const response = await redeem(code, { ...app, code_verifier: verifier }, {});

    expect(response.statusCode).toBe(200);
  });
});
