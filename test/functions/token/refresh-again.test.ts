import { signalsOf } from '../../support/embedded-metrics.ts';
import { basic, bodyOf, gateway, pkce, throttled, verifier } from '../../support/login.ts';
import { readsOf } from '../../support/stale-reads.ts';
import { refreshTokenFromAccessToken, refreshTokenWithAnotherSecret } from './forged-bearers.ts';

const app = { client_id: 'demo-app', redirect_uri: 'http://localhost:3002/app/callback' };

describe('a refresh that is repeated within its grace', () => {
  it('gives the same pair again, by one read and no write', async () => {
    const { connect, refresh, dynamo, passSeconds } = gateway();
    const { refresh_token: token } = await connect();
    const second = bodyOf(await refresh(token));
    passSeconds(59);
    dynamo.calls();

    const again = bodyOf(await refresh(token));

    expect(again).toEqual({ ...second, expires_in: 3600 - 59 });
    expect(dynamo.calls()).toEqual(['GetItem']);
  });

  it('gives ten parallel callers one and the same pair, which is good', async () => {
    const { connect, refresh, isActive } = gateway();
    const { refresh_token: token } = await connect();

    const answers = (await Promise.all(Array.from({ length: 10 }, () => refresh(token)))).map(bodyOf);

    expect(new Set(answers.map((answer) => answer.access_token)).size).toBe(1);
    expect(new Set(answers.map((answer) => answer.refresh_token)).size).toBe(1);
    expect(await isActive(answers[0]!.access_token)).toBe(true);
  });

  it('gives the pair whose answer was lost on the way', async () => {
    const { connect, refresh, dynamo, isActive } = gateway();
    const { refresh_token: token } = await connect();
    dynamo.failNext('UpdateItem', throttled(), { after: true });

    const [lost, again] = [await refresh(token), await refresh(token)];

    expect(lost.statusCode).toBe(503);
    expect(again.statusCode).toBe(200);
    expect(await isActive(bodyOf(again).access_token)).toBe(true);
  });

  it('is no reuse where the SDK repeated its own write', async () => {
    const { connect, refresh, dynamo, isActive } = gateway();
    const { refresh_token: token } = await connect();
    dynamo.repeatNext('UpdateItem');

    const response = await refresh(token);

    expect(response.statusCode).toBe(200);
    expect(await isActive(bodyOf(response).access_token)).toBe(true);
  });

  it('ends at once when the successor is used', async () => {
    const { connect, refresh, isActive, grant } = gateway();
    const { refresh_token: token } = await connect();
    const second = bodyOf(await refresh(token));
    const third = bodyOf(await refresh(second.refresh_token));

    const reuse = await refresh(token);

    expect(bodyOf(reuse).error).toBe('invalid_grant');
    expect(await isActive(third.access_token)).toBe(false);
    expect(grant()['lastEvent']?.M?.['reason']).toEqual({ S: 'refreshTokenReused' });
  });
});

describe('a refresh token that is reused after its grace', () => {
  it('revokes the grant, and leaves a line that an alarm can watch', async () => {
    const { connect, refresh, isActive, passSeconds, grant, lines } = gateway();
    const { refresh_token: token } = await connect();
    const second = bodyOf(await refresh(token));
    passSeconds(60);

    const reuse = await refresh(token);

    expect(reuse.statusCode).toBe(400);
    expect(bodyOf(reuse)).toEqual({
      error: 'invalid_grant',
      error_description: expect.stringContaining('used before'),
    });
    expect(await isActive(second.access_token)).toBe(false);
    expect((await refresh(second.refresh_token)).statusCode).toBe(400);
    expect(grant()['lastEvent']?.M?.['type']).toEqual({ S: 'revoked' });
    expect(lines.join()).toContain('"detail":"refresh token reused: grant revoked"');
    expect(lines.flatMap(signalsOf)).toEqual(['reuseDetected']);
  });

  it.each([
    ['a public client, 10 s', app, {}, 10],
    ['a confidential client, 60 s', {}, basic(), 60],
  ])('ends the grace of %s', async (_, client, headers, grace) => {
    const test = gateway();
    const connected = async () =>
      bodyOf(
        await test.redeem(await test.login({ ...client, ...pkce }), { ...client, code_verifier: verifier }, headers),
      );
    const [first, second] = [await connected(), await connected()];
    await test.refresh(first.refresh_token, {}, headers);
    await test.refresh(second.refresh_token, {}, headers);

    test.passSeconds(grace - 1);
    const within = await test.refresh(first.refresh_token, {}, headers);
    test.passSeconds(1);
    const after = await test.refresh(second.refresh_token, {}, headers);

    expect([within.statusCode, after.statusCode]).toEqual([200, 400]);
  });

  it('by another client revokes nothing', async () => {
    const { connect, refresh, isActive, passSeconds } = gateway();
    const { refresh_token: token } = await connect();
    const second = bodyOf(await refresh(token));
    passSeconds(61);

    await refresh(token, { client_id: 'demo-app' }, {});

    expect(await isActive(second.access_token)).toBe(true);
  });

  it('of the right family, though it was never current, counts as reuse', async () => {
    const { connect, refresh, isActive } = gateway();
    const first = await connect();

    const response = await refresh(refreshTokenWithAnotherSecret(first.refresh_token));

    expect(bodyOf(response).error).toBe('invalid_grant');
    expect(await isActive(first.access_token)).toBe(false);
  });

  it('cannot be forged from a leaked access token to kill the grant', async () => {
    const { connect, refresh, isActive } = gateway();
    const first = await connect();

    const response = await refresh(refreshTokenFromAccessToken(first.access_token));

    expect(bodyOf(response)).toEqual({ error: 'invalid_grant', error_description: expect.stringContaining('unknown') });
    expect(await isActive(first.access_token)).toBe(true);
    expect((await refresh(first.refresh_token)).statusCode).toBe(200);
  });

  it('is only invalid_grant where the grant was revoked while it was refreshed', async () => {
    const { connect, refresh, revoke, dynamo } = gateway();
    const first = await connect();
    const [before] = dynamo.items('Grants').values();
    await revoke({ token: first.refresh_token });
    const [after] = dynamo.items('Grants').values();
    readsOf(dynamo, before, after);

    const response = await refresh(first.refresh_token);

    expect(bodyOf(response)).toEqual({ error: 'invalid_grant', error_description: expect.stringContaining('unknown') });
  });
});
