import { bodyOf, gateway, northwindTokens, withoutPartner, withPartner, withPayer } from '../../support/login.ts';

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
