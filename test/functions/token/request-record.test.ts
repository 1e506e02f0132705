import type { ApiResponse } from '../../../functions/shared/http/api.ts';
import { bodyOf, gateway, pkce, verifier, type TokenBody } from '../../support/login.ts';

type Gateway = ReturnType<typeof gateway>;
type Request = (test: Gateway, pair: TokenBody) => Promise<ApiResponse>;

const app = { client_id: 'demo-app', redirect_uri: 'http://localhost:3002/app/callback' };
const stranger = { client_id: 'demo-app' };

/** What an operator reads about the last request. */
const lastRecord = ({ lines }: Gateway): Record<string, unknown> =>
  JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown>;

describe('the record of a request about a grant', () => {
  it.each<[string, Request]>([
    ['redeem', async ({ login, redeem, dynamo }) => (dynamo.items('Grants').clear(), redeem(await login()))],
    ['refresh', ({ refresh }, pair) => refresh(pair.refresh_token)],
    ['introspect', ({ introspect }, pair) => introspect({ token: pair.access_token })],
    ['introspect', ({ introspect }, pair) => introspect({ token: pair.refresh_token })],
    ['revoke', ({ revoke }, pair) => revoke({ token: pair.access_token })],
    ['revoke', ({ revoke }, pair) => revoke({ token: pair.refresh_token })],
  ])('names the function, the step %s, the grant, its payer and its partner', async (step, request) => {
    const test = gateway();
    const pair = await test.connect();

    await request(test, pair);

    expect(lastRecord(test)).toMatchObject({
      function: 'token',
      step,
      outcome: 'ok',
      grantId: test.grant()['grantId']?.S,
      payer: 'northwind',
      partner: 'demo-partner',
    });
  });

  it.each<[string, Request]>([
    ['refresh', ({ refresh }, pair) => refresh(pair.refresh_token, {}, {})],
    ['revoke', ({ revoke }, pair) => revoke({ token: pair.access_token }, {})],
  ])('names the partner of a %s by the token alone, too', async (step, request) => {
    const test = gateway();
    const code = await test.login({ ...app, ...pkce });
    const pair = bodyOf(await test.redeem(code, { ...app, code_verifier: verifier }, {}));

    await request(test, pair);

    expect(lastRecord(test)).toMatchObject({ step, outcome: 'ok', partner: 'demo-app', payer: 'northwind' });
  });

  it.each<[string, Request]>([
    ['redeem', async ({ login, redeem }) => redeem(await login(), stranger, {})],
    ['refresh', ({ refresh }, pair) => refresh(pair.refresh_token, stranger, {})],
    ['revoke', ({ revoke }, pair) => revoke({ token: pair.access_token, ...stranger }, {})],
  ])('names the caller, and the grant of another client that it tried to %s', async (step, request) => {
    const test = gateway();
    const pair = await test.connect();

    await request(test, pair);

    const record = lastRecord(test);
    expect(record).toMatchObject({ step, partner: 'demo-app', payer: 'northwind' });
    expect([...test.dynamo.items('Grants').keys()]).toContain(record['grantId']);
  });

  it('names only the caller if a public client tries to introspect, since its token is not read', async () => {
    const test = gateway();
    const pair = await test.connect();

    await test.introspect({ token: pair.access_token, ...stranger }, {});

    expect(lastRecord(test)).toMatchObject({ step: 'introspect', partner: 'demo-app' });
    expect(lastRecord(test)).not.toHaveProperty('grantId');
    expect(lastRecord(test)).not.toHaveProperty('payer');
  });
});
