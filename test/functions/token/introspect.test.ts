import { startMs } from '../../support/gateway.ts';
import { basic, bodyOf, gateway, pkce, throttled, verifier, withPartner, withPayer } from '../../support/login.ts';

const inactive = '{"active":false}';

describe('introspection', () => {
  it('tells a client about its own access token', async () => {
    const { connect, introspect } = gateway();
    const { access_token: token } = await connect();

    const response = await introspect({ token });

    expect(response.headers['Cache-Control']).toBe('no-store');
    expect(bodyOf(response)).toEqual({
      active: true,
      scope: 'launch/patient patient/*.rs offline_access',
      client_id: 'demo-partner',
      exp: startMs / 1000 + 3600,
      iss: 'http://localhost:3000/r4/northwind',
      patient: 'patient-1',
      grant_id: expect.stringMatching(/^[\w-]{22}$/),
    });
  });

  it('tells it about its refresh token, which ends with the grant', async () => {
    const { connect, introspect } = gateway();
    const { refresh_token: token } = await connect();

    const response = await introspect({ token });

    expect(bodyOf(response)).toMatchObject({ active: true, exp: startMs / 1000 + 90 * 86_400 });
  });

  it('tells the scope of each access token, and no patient if none is known', async () => {
    const { login, redeem, refresh, introspect } = gateway().reconfigured(
      withPayer('northwind', { patientFrom: 'none' }),
    );
    const first = bodyOf(await redeem(await login()));
    const second = bodyOf(await refresh(first.refresh_token, { scope: 'patient/Observation.rs' }));

    const answers = [
      bodyOf(await introspect({ token: first.access_token })),
      bodyOf(await introspect({ token: second.access_token })),
    ];

    expect(answers.map(({ scope }) => scope)).toEqual([first.scope, 'patient/Observation.rs']);
    for (const answer of answers) expect(Object.keys(answer)).not.toContain('patient');
  });

  it('tells what the partner’s registration leaves of the scope now, and never more than was granted', async () => {
    const test = gateway();
    const { access_token: access, refresh_token: refresh } = await test.connect({
      scope: 'patient/Condition.rs patient/Observation.rs offline_access',
    });
    const scopeUnder = async (token: string, ...scopes: string[]) => {
      const { introspect } = test.reconfigured(withPartner('demo-partner', { scopes }));
      const { active, scope } = bodyOf(await introspect({ token }));
      return active === true ? scope : undefined;
    };

    for (const token of [access, refresh]) {
      expect(await scopeUnder(token, 'patient/Condition.r', 'offline_access')).toBe(
        'patient/Condition.r offline_access',
      );
      expect(await scopeUnder(token, 'patient/*.rs', 'launch/patient', 'offline_access')).toBe(
        'patient/Condition.rs patient/Observation.rs offline_access',
      );
      expect(await scopeUnder(token, 'patient/Claim.rs', 'offline_access')).toBe('offline_access');
    }
    // Without offline_access a refresh token is useless.
    expect(await scopeUnder(access, 'patient/*.rs')).toBe('patient/Condition.rs patient/Observation.rs');
    expect(await scopeUnder(refresh, 'patient/*.rs')).toBeUndefined();
  });

  it('is exactly {"active": false} after revocation, after expiry, and for what is not our token', async () => {
    const { connect, introspect, refresh, revoke, passSeconds } = gateway();
    const first = await connect();
    const revoked = await connect();
    await revoke({ token: revoked.access_token });
    const { access_token: current } = bodyOf(await refresh(first.refresh_token));
    const rotated = await introspect({ token: first.refresh_token });
    passSeconds(3600);

    const answers = [rotated, await introspect({ token: current })];
    for (const token of [revoked.access_token, revoked.refresh_token, 'unknown', 'p2pa_damaged']) {
      answers.push(await introspect({ token }));
    }

    for (const answer of answers) expect(`${answer.statusCode} ${answer.body}`).toBe(`200 ${inactive}`);
  });

  it('tells a client nothing about another client’s token', async () => {
    const { connect, reconfigured } = gateway();
    const pair = await connect();

    const other = (data: Parameters<ReturnType<typeof withPartner>>[0]) => ({
      ...data,
      partners: [
        ...data.partners,
        { ...data.partners.find(({ clientId }) => clientId === 'demo-partner')!, clientId: 'other' },
      ],
    });
    for (const token of [pair.access_token, pair.refresh_token]) {
      const answer = await reconfigured(other).introspect({ token }, basic('other'));
      expect(`${answer.statusCode} ${answer.body}`).toBe(`200 ${inactive}`);
    }
  });

  it('is not for public clients: a thief of their bearer must not learn when it was rotated', async () => {
    const test = gateway();
    const app = { client_id: 'demo-app', redirect_uri: 'http://localhost:3002/app/callback' };
    const code = await test.login({ ...app, ...pkce });
    const pair = bodyOf(await test.redeem(code, { ...app, code_verifier: verifier }, {}));
    test.dynamo.calls();

    for (const token of [pair.access_token, pair.refresh_token, 'unknown']) {
      const answer = await test.introspect({ token, client_id: 'demo-app' }, {});
      expect(answer.statusCode).toBe(401);
      expect(bodyOf(answer)).toEqual({
        error: 'invalid_client',
        error_description: 'This endpoint needs client authentication, and a public client has none.',
      });
    }
    expect(test.dynamo.calls()).toEqual([]);
  });

  it('says of a refresh token within its grace that it is inactive: it was rotated', async () => {
    const { connect, introspect, refresh } = gateway();
    const first = await connect();
    const second = bodyOf(await refresh(first.refresh_token));

    const answers = [
      await introspect({ token: first.refresh_token }),
      await introspect({ token: second.refresh_token }),
    ];

    expect(answers.map((answer) => bodyOf(answer).active)).toEqual([false, true]);
  });

  it('follows the kill switch', async () => {
    const test = gateway();
    const { access_token: token } = await test.connect();

    const response = await test.reconfigured(withPartner('demo-partner', { payers: [] })).introspect({ token });

    expect(response.body).toBe(inactive);
  });

  it('requires a client, and a token', async () => {
    const { introspect } = gateway();

    expect((await introspect({ token: 'x' }, {})).statusCode).toBe(401);
    expect(bodyOf(await introspect({}, basic())).error).toBe('invalid_request');
  });

  it('answers 503 while the table fails, and never as active', async () => {
    const { connect, introspect, dynamo } = gateway();
    const { access_token: token } = await connect();
    dynamo.failNext('GetItem', throttled());

    expect((await introspect({ token })).statusCode).toBe(503);
  });
});
