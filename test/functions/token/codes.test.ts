import { signalsOf } from '../../support/embedded-metrics.ts';
import { apiEvent, call, lambdaContext } from '../../support/gateway.ts';
import {
  basic,
  bodyOf,
  gateway,
  northwindTokens,
  throttled,
  withoutPartner,
  withPartner,
  withPayer,
} from '../../support/login.ts';
import { readsOf } from '../../support/stale-reads.ts';

describe('redeeming a code', () => {
  it('names no patient if the grant is bound to none, nor does introspection', async () => {
    const { connect, introspect } = gateway().reconfigured(withPayer('northwind', { patientFrom: 'none' }));

    const pair = await connect();

    const told = bodyOf(await introspect({ token: pair.access_token }));
    expect([pair.patient, told.active, told.patient]).toEqual([undefined, true, undefined]);
  });

  it('or a refresh is refused to a partner that was removed from the configuration, and uses up nothing', async () => {
    const test = gateway();
    const [pair, code] = [await test.connect(), await test.login()];
    const { redeem, refresh } = test.reconfigured(withoutPartner('demo-partner'));

    const refused = [await redeem(code), await refresh(pair.refresh_token)];

    expect(refused.map((response) => bodyOf(response).error)).toEqual(['invalid_client', 'invalid_client']);
    expect((await test.redeem(code)).statusCode).toBe(200);
    expect((await test.refresh(pair.refresh_token)).statusCode).toBe(200);
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

  it('reads once and writes once, removes the wrapped key, and leaves no token in the clear', async () => {
    const { login, redeem, grant, dynamo } = gateway();
    const code = await login();
    dynamo.calls();

    const answer = bodyOf(await redeem(code));

    expect(dynamo.calls()).toEqual(['GetItem', 'UpdateItem']);
    const item = grant();
    const text = JSON.stringify(item) + Object.values(item).map(({ B }) => Buffer.from(B ?? []).toString('latin1'));
    expect(item['wrappedKey']).toBeUndefined();
    for (const secret of [code, answer.access_token, answer.refresh_token, 'payer-access-token']) {
      expect(text).not.toContain(secret);
    }
  });
});

describe('a code', () => {
  it('is valid for 59 seconds', async () => {
    const { login, redeem, passSeconds } = gateway();
    const code = await login();
    passSeconds(59);

    expect((await redeem(code)).statusCode).toBe(200);
  });
});

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
