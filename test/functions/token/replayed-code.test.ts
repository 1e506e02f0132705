import { signalsOf } from '../../support/embedded-metrics.ts';
import { apiEvent, call, lambdaContext } from '../../support/gateway.ts';
import { basic, bodyOf, gateway, throttled } from '../../support/login.ts';
import { readsOf } from '../../support/stale-reads.ts';

describe('a code that is presented twice', () => {
  it('by its rightful owner is told what usually causes it, ends the payer’s tokens, and raises one alarm', async () => {
    const { login, redeem, grant, lines, lastLine } = gateway();
    const code = await login();
    await redeem(code);

    const replay = await redeem(code);
    const line = lastLine();
    await redeem(code);

    expect(bodyOf(replay).error_description).toContain('run twice?');
    expect(grant()['lastEvent']?.M?.['reason']).toEqual({ S: 'codeReplayed' });
    expect(grant()['sealedPayerTokens']).toBeUndefined();
    expect(line).toMatchObject({
      payer: 'northwind',
      partner: 'demo-partner',
      grantId: grant()['grantId']?.S,
      detail: 'code replayed by its owner: grant revoked',
    });
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

  it('answers the same if the redeemed grant was revoked in the meantime, and raises no second alarm', async () => {
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
