import { bodyOf, gateway, pkce, throttled, verifier, withoutPartner, withPartner } from '../../support/login.ts';

describe('refreshing a pair', () => {
  it('gives a new pair with the same scope and patient', async () => {
    const { connect, refresh, isActive, passSeconds } = gateway();
    const first = await connect();
    passSeconds(1800);

    const response = await refresh(first.refresh_token);

    const second = bodyOf(response);
    expect(response.headers).toMatchObject({ 'Cache-Control': 'no-store', Pragma: 'no-cache' });
    expect(second).toEqual({
      access_token: expect.stringMatching(/^p2pa_/),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: first.scope,
      patient: 'patient-1',
      grant_id: expect.stringMatching(/^[\w-]{22}$/),
      refresh_token: expect.stringMatching(/^p2pr_/),
    });
    expect(second.access_token).not.toBe(first.access_token);
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(await isActive(second.access_token)).toBe(true);
  });

  it('reads once and writes once, and calls no payer', async () => {
    const { connect, refresh, dynamo, payer } = gateway();
    const { refresh_token: token } = await connect();
    dynamo.calls();
    payer.requests.length = 0;

    await refresh(token);

    expect(dynamo.calls()).toEqual(['GetItem', 'UpdateItem']);
    expect(payer.requests).toEqual([]);
  });

  it('leaves the previous access token valid until it expires', async () => {
    const { connect, refresh, isActive, passSeconds } = gateway();
    const first = await connect();
    passSeconds(1800);
    await refresh(first.refresh_token);

    expect(await isActive(first.access_token)).toBe(true);
    passSeconds(1800);
    expect(await isActive(first.access_token)).toBe(false);
  });

  it('narrows the scope if requested, and returns the whole scope later', async () => {
    const { connect, refresh } = gateway();
    const first = await connect();

    const narrow = bodyOf(await refresh(first.refresh_token, { scope: 'patient/Observation.rs' }));
    const whole = bodyOf(await refresh(narrow.refresh_token));

    expect(narrow.scope).toBe('patient/Observation.rs');
    expect(whole.scope).toBe(first.scope);
  });

  it('accepts the scope that Authlib repeats, and counts a blank one as none', async () => {
    const { connect, refresh } = gateway();
    const first = await connect();

    const second = bodyOf(await refresh(first.refresh_token, { scope: first.scope }));
    const third = bodyOf(await refresh(second.refresh_token, { scope: ' ' }));

    expect(second.scope).toBe(first.scope);
    expect(third.scope).toBe(first.scope);
  });

  it('limits the scope to the partner’s current registration, without ending or using up anything', async () => {
    const test = gateway();
    const { refresh_token: token } = await test.connect();
    const under = async (scopes: string[], form: Record<string, string> = {}) => {
      const response = await test.reconfigured(withPartner('demo-partner', { scopes })).refresh(token, form);
      return { status: response.statusCode, ...bodyOf(response) };
    };

    const nothing = await under(['launch/patient', 'user/*.rs', 'offline_access']);
    const online = await under(['launch/patient', 'patient/*.rs']);
    const narrowed = await under(['patient/Claim.r', 'offline_access'], { scope: 'patient/*.rs patient/Claim.rs' });
    const again = await under(['patient/Coverage.rs', 'patient/Claim.r', 'offline_access']);

    expect(nothing).toMatchObject({
      status: 400,
      error: 'invalid_scope',
      error_description:
        'This app is no longer registered for anything of what was granted: launch/patient, patient/*.rs, offline_access. Ask the member to connect again.',
    });
    expect(online).toMatchObject({
      status: 400,
      error: 'invalid_grant',
      error_description: 'This app may no longer refresh its access. Ask the member to connect again.',
    });
    expect(narrowed).toMatchObject({ status: 200, scope: 'patient/Claim.r' });
    // The repeat within the grace period returns the same access token, with the same scope.
    expect(again).toMatchObject({ status: 200, scope: 'patient/Claim.r', access_token: narrowed.access_token });
    expect(bodyOf(await test.refresh(narrowed.refresh_token)).scope).toBe('launch/patient patient/*.rs offline_access');
  });

  it('refuses a wider scope with invalid_scope, and rotates nothing', async () => {
    const { login, redeem, refresh } = gateway();
    const first = bodyOf(await redeem(await login({ scope: 'patient/Observation.rs offline_access' })));

    const wider = await refresh(first.refresh_token, { scope: 'patient/*.rs' });

    expect(wider.statusCode).toBe(400);
    expect(bodyOf(wider).error).toBe('invalid_scope');
    expect((await refresh(first.refresh_token)).statusCode).toBe(200);
  });

  it('refuses another client, and revokes nothing', async () => {
    const { connect, refresh, isActive } = gateway();
    const first = await connect();

    const stolen = await refresh(first.refresh_token, { client_id: 'demo-app' }, {});

    expect(bodyOf(stolen).error).toBe('invalid_grant');
    expect(await isActive(first.access_token)).toBe(true);
    expect((await refresh(first.refresh_token)).statusCode).toBe(200);
  });

  it('refuses a confidential client that does not authenticate', async () => {
    const { connect, refresh } = gateway();
    const { refresh_token: token } = await connect();

    const response = await refresh(token, {}, {});

    expect(response.statusCode).toBe(401);
    expect(bodyOf(response).error).toBe('invalid_client');
  });

  it('lets a public client omit its client_id, as fhirclient does', async () => {
    const { login, redeem, refresh } = gateway();
    const app = { client_id: 'demo-app', redirect_uri: 'http://localhost:3002/app/callback' };
    const first = bodyOf(await redeem(await login({ ...app, ...pkce }), { ...app, code_verifier: verifier }, {}));

    const response = await refresh(first.refresh_token, {}, {});

    expect(response.statusCode).toBe(200);
  });

  it('ends with the grant: an access token never outlives it, and a refresh past its end is invalid_grant', async () => {
    const { login, redeem, refresh, passSeconds, isActive } = gateway();
    const first = bodyOf(await redeem(await login()));
    passSeconds(90 * 86_400 - 100);

    const last = bodyOf(await refresh(first.refresh_token));
    passSeconds(100);
    const after = await refresh(last.refresh_token);

    expect(last.expires_in).toBe(100);
    expect(bodyOf(after).error).toBe('invalid_grant');
    expect(await isActive(last.access_token)).toBe(false);
  });

  it.each([
    ['its partner', withoutPartner('demo-partner'), 'invalid_client'],
    ['its partner’s right to the payer', withPartner('demo-partner', { payers: [] }), 'invalid_grant'],
  ])('is refused once %s left the configuration (the kill switch)', async (_, change, error) => {
    const test = gateway();
    const { refresh_token: token } = await test.connect();

    const response = await test.reconfigured(change).refresh(token);

    expect(bodyOf(response).error).toBe(error);
  });

  it('answers 503 while the table fails, and loses nothing', async () => {
    const { connect, refresh, dynamo } = gateway();
    const { refresh_token: token } = await connect();
    dynamo.failNext('GetItem', throttled());
    const read = await refresh(token);
    dynamo.failNext('UpdateItem', throttled());
    const written = await refresh(token);

    expect([read.statusCode, written.statusCode]).toEqual([503, 503]);
    expect((await refresh(token)).statusCode).toBe(200);
  });
});
