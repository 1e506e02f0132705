import { signalsOf } from '../../support/embedded-metrics.ts';
import { apiEvent, call, lambdaContext } from '../../support/gateway.ts';
import { basic, bodyOf, gateway, pkce, throttled, verifier } from '../../support/login.ts';
import { readsOf } from '../../support/stale-reads.ts';

describe('a code that is presented twice', () => {
  it('by its rightful owner revokes the grant, and says what usually causes it', async () => {
    const { login, redeem, isActive, grant, lines } = gateway();
    const code = await login();
    const { access_token: accessToken } = bodyOf(await redeem(code));

    const replay = await redeem(code);

    expect(replay.statusCode).toBe(400);
    expect(bodyOf(replay)).toEqual({
      error: 'invalid_grant',
      error_description: expect.stringContaining('run twice?'),
    });
    expect(await isActive(accessToken)).toBe(false);
    expect(grant()['lastEvent']?.M?.['reason']).toEqual({ S: 'codeReplayed' });
    expect(grant()['sealedPayerTokens']).toBeUndefined();
    expect(lines.join()).toContain('code replayed by its owner: grant revoked');
    expect(lines.flatMap(signalsOf)).toEqual(['reuseDetected']);
  });

  it('by another client changes nothing', async () => {
    const { login, redeem, isActive } = gateway();
    const code = await login();
    const { access_token: accessToken } = bodyOf(await redeem(code));

    const replay = await redeem(code, { client_id: 'demo-app' }, {});

    expect(bodyOf(replay).error).toBe('invalid_grant');
    expect(await isActive(accessToken)).toBe(true);
  });

  it('by someone with the wrong verifier or redirect URI changes nothing', async () => {
    const { login, redeem, isActive } = gateway();
    const code = await login(pkce);
    const { access_token: accessToken } = bodyOf(await redeem(code, { code_verifier: verifier }));

    const replays = [
      await redeem(code),
      await redeem(code, { code_verifier: verifier.toUpperCase() }),
      await redeem(code, { code_verifier: verifier, redirect_uri: 'https://evil.example/' }),
    ];

    for (const replay of replays) expect(bodyOf(replay).error).toBe('invalid_grant');
    expect(await isActive(accessToken)).toBe(true);
  });

  it('by its owner after it expired is only invalid_grant', async () => {
    const { login, redeem, isActive, passSeconds, lines } = gateway();
    const code = await login();
    const { access_token: accessToken } = bodyOf(await redeem(code));
    passSeconds(60);

    const replay = await redeem(code);

    expect(bodyOf(replay).error).toBe('invalid_grant');
    expect(lines.flatMap(signalsOf)).toEqual([]);
    expect(await isActive(accessToken)).toBe(true);
  });

  it('by 50 parallel calls gives at most one pair, and then the grant is dead', async () => {
    const { login, redeem, isActive } = gateway();
    const code = await login();

    const responses = await Promise.all(Array.from({ length: 50 }, () => redeem(code)));

    const won = responses.filter(({ statusCode }) => statusCode === 200);
    expect(won.length).toBeLessThanOrEqual(1);
    for (const response of responses) expect([200, 400]).toContain(response.statusCode);
    for (const response of won) expect(await isActive(bodyOf(response).access_token)).toBe(false);
  });

  it('stays dead at a third time, and raises no second alarm', async () => {
    const { login, redeem, lines } = gateway();
    const code = await login();
    await redeem(code);
    await redeem(code);

    const third = await redeem(code);

    expect(bodyOf(third).error).toBe('invalid_grant');
    expect(lines.flatMap(signalsOf)).toEqual(['reuseDetected']);
  });

  it('is not a replay if the SDK repeated its own write after a lost answer', async () => {
    const { login, redeem, isActive, dynamo } = gateway();
    const code = await login();
    dynamo.calls();
    dynamo.repeatNext('UpdateItem');

    const response = await redeem(code);

    expect(response.statusCode).toBe(200);
    expect(dynamo.calls()).toEqual(['GetItem', 'UpdateItem', 'GetItem']);
    expect(await isActive(bodyOf(response).access_token)).toBe(true);
  });

  it('cannot pass for a repeated write by choosing API Gateway’s request id', async () => {
    const { handlers, login } = gateway();
    const form = { grant_type: 'authorization_code', code: await login() };
    const event = () => {
      const made = apiEvent('/oauth2/token', { method: 'POST', form, headers: basic() });
      made.requestContext.requestId = 'chosen-by-the-client';
      return made;
    };

    const responses = [await call(handlers.token, event()), await call(handlers.token, event())];

    expect(responses.map(({ statusCode }) => statusCode)).toEqual([200, 400]);
  });

  it('after an answer that never arrived is a replay: a client that lost its pair starts a new login', async () => {
    const { login, redeem, dynamo, grant } = gateway();
    const code = await login();
    dynamo.failNext('UpdateItem', throttled(), { after: true });

    const [lost, again] = [await redeem(code), await redeem(code)];

    expect(lost.statusCode).toBe(503);
    expect(bodyOf(again).error).toBe('invalid_grant');
    expect(grant()['revokedAt']).toBeDefined();
  });

  it('answers invalid_grant if the grant disappeared while it was redeemed', async () => {
    const { login, redeem, dynamo } = gateway();
    const code = await login();
    const [item] = dynamo.items('Grants').values();
    readsOf(dynamo, item, undefined);
    dynamo.items('Grants').clear();

    const response = await redeem(code);

    expect(bodyOf(response).error).toBe('invalid_grant');
    expect([...dynamo.items('Grants')]).toEqual([]);
  });

  it('cannot pass for a repeated write even if two requests have one id: its tokens are not the stored ones', async () => {
    const { handlers, login, dynamo, grant } = gateway();
    const form = { grant_type: 'authorization_code', code: await login() };
    const context = lambdaContext();
    const redeem = async () =>
      (await call(handlers.token, apiEvent('/oauth2/token', { method: 'POST', form, headers: basic() }), context))
        .statusCode;
    const before = grant();
    const first = await redeem();
    readsOf(dynamo, before, grant());

    const second = await redeem();

    expect([first, second]).toEqual([200, 400]);
    expect(grant()['revokedAt']).toBeDefined();
  });

  it('answers the same if the redeemed grant was revoked meanwhile, and raises no second alarm', async () => {
    const { login, redeem, dynamo, lines } = gateway();
    const code = await login();
    const [before] = dynamo.items('Grants').values();
    await redeem(code);
    await redeem(code);
    const [after] = dynamo.items('Grants').values();
    readsOf(dynamo, before, after);

    const response = await redeem(code);

    expect(bodyOf(response).error_description).toContain('redeemed twice');
    expect(lines.flatMap(signalsOf)).toEqual(['reuseDetected']);
  });
});
