import type { ApiResponse } from '../../../functions/shared/http/api.ts';
import { metric } from '../../support/embedded-metrics.ts';
import { apiEvent, call } from '../../support/gateway.ts';
import { basic, bodyOf, gateway, pkce, throttled, verifier, type TokenBody } from '../../support/login.ts';

const form = { grant_type: 'authorization_code', code: 'p2pc_x' };
const app = { client_id: 'demo-app', redirect_uri: 'http://localhost:3002/app/callback' };
const resources = ['/oauth2/token', '/oauth2/revoke', '/oauth2/introspect'];

type Gateway = ReturnType<typeof gateway>;
type Request = (test: Gateway, pair: TokenBody) => Promise<ApiResponse>;

describe('a request to token, revoke or introspect', () => {
  it.each(resources)('%s refuses a JSON body, and a body without a type', async (resource) => {
    const { handlers } = gateway();
    const json = { ...basic(), 'Content-Type': 'application/json' };

    const responses = [
      await call(handlers.token, apiEvent(resource, { method: 'POST', form: '{}', headers: json })),
      await call(handlers.token, apiEvent(resource, { method: 'POST', headers: basic() })),
    ];

    for (const response of responses) {
      expect(response.statusCode).toBe(400);
      expect(bodyOf(response).error).toBe('invalid_request');
    }
  });

  it('accepts a charset, a base64 body, and requests without Accept or User-Agent', async () => {
    const { handlers, login } = gateway();
    const code = await login();
    const headers = { ...basic(), 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' };
    const body = Buffer.from(`grant_type=authorization_code&code=${code}`).toString('base64');
    const event = { ...apiEvent('/oauth2/token', { method: 'POST', headers }), body, isBase64Encoded: true };

    const response = await call(handlers.token, event);

    expect(response.statusCode).toBe(200);
  });

  it.each<[string, string, (test: ReturnType<typeof gateway>, pair: TokenBody, code: string) => Promise<ApiResponse>]>([
    ['a redemption', 'GetItem', ({ redeem }, _, code) => redeem(code)],
    ['a redemption', 'UpdateItem', ({ redeem }, _, code) => redeem(code)],
    ['a refresh', 'GetItem', ({ refresh }, pair) => refresh(pair.refresh_token)],
    ['a refresh', 'UpdateItem', ({ refresh }, pair) => refresh(pair.refresh_token)],
    ['a revocation', 'GetItem', ({ revoke }, pair) => revoke({ token: pair.access_token })],
    ['a revocation', 'UpdateItem', ({ revoke }, pair) => revoke({ token: pair.access_token })],
    ['an introspection', 'GetItem', ({ introspect }, pair) => introspect({ token: pair.access_token })],
  ])('answers %s with 503 and Retry-After while %s fails, and the same request works afterwards', async (...row) => {
    const [, command, request] = row;
    const test = gateway();
    const [pair, code] = [await test.connect(), await test.login()];
    test.dynamo.failNext(command, throttled());

    const response = await request(test, pair, code);

    expect(response.statusCode).toBe(503);
    expect(response.headers['Retry-After']).toBe('5');
    expect(bodyOf(response)).toEqual({ error: 'temporarily_unavailable', error_description: expect.any(String) });
    expect(test.lastLine()).toMatchObject({
      partner: 'demo-partner',
      detail: 'dynamodb: ProvisionedThroughputExceededException',
    });
    expect((await request(test, pair, code)).statusCode).toBe(200);
  });

  it('answers unexpected errors with 500 and without their cause', async () => {
    const { handlers, lines } = gateway();
    const event = apiEvent('/oauth2/token', { method: 'POST', form, headers: basic() });
    Object.defineProperty(event, 'body', {
      get: () => {
        throw new RangeError('canary');
      },
    });

    const response = await call(handlers.token, event);

    expect(response.statusCode).toBe(500);
    expect(bodyOf(response).error).toBe('server_error');
    expect(response.body + lines.join()).not.toContain('canary');
    expect(lines.join()).toContain('"detail":"RangeError"');
  });
});

describe('what a token request is counted as', () => {
  const counted = async (resource: string, options: Parameters<typeof apiEvent>[1]): Promise<string[]> => {
    const { handlers, lines } = gateway();
    await call(handlers.token, apiEvent(resource, options));
    return Object.keys(metric(lines[0] ?? '', 'requests'));
  };
  const granting = (grantType: string) => ({ method: 'POST', form: { grant_type: grantType } });

  it.each([
    ['/oauth2/token', granting('authorization_code'), ['step=redeem outcome=refused']],
    ['/oauth2/token', granting('refresh_token'), ['step=refresh outcome=refused']],
    ['/oauth2/token', granting('canary'), ['step=redeem outcome=refused']],
    ['/oauth2/token', { method: 'GET' }, ['step=redeem outcome=refused']],
    ['/oauth2/revoke', { method: 'POST' }, ['step=revoke outcome=refused']],
    ['/oauth2/introspect', granting('refresh_token'), ['step=introspect outcome=refused']],
    ['/oauth2/token', { method: 'OPTIONS', headers: { Origin: 'http://localhost:3002' } }, []],
  ])('%s with %j is %j, even without authentication', async (resource, options, requests) => {
    expect(await counted(resource, options)).toEqual(requests);
  });
});

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

    expect(test.lastLine()).toMatchObject({
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

    expect(test.lastLine()).toMatchObject({ step, outcome: 'ok', partner: 'demo-app', payer: 'northwind' });
  });
});
