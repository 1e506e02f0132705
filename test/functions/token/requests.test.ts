import type { ApiResponse } from '../../../functions/shared/http/api.ts';
import { metric } from '../../support/embedded-metrics.ts';
import { apiEvent, call } from '../../support/gateway.ts';
import { basic, bodyOf, gateway, throttled, type TokenBody } from '../../support/login.ts';

const form = { grant_type: 'authorization_code', code: 'p2pc_x' };
const resources = ['/oauth2/token', '/oauth2/revoke', '/oauth2/introspect'];

describe('a request to token, revoke or introspect', () => {
  it.each(resources)('%s refuses a GET with 405', async (resource) => {
    const { handlers } = gateway();

    const response = await call(handlers.token, apiEvent(resource));

    expect(response.statusCode).toBe(405);
    expect(response.headers['Allow']).toBe('POST');
    expect(bodyOf(response)).toEqual({ error: 'invalid_request', error_description: 'Use POST.' });
  });

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

  it.each([
    [{ grant_type: 'password' }, 'unsupported_grant_type'],
    [{ grant_type: 'client_credentials' }, 'unsupported_grant_type'],
    [{ grant_type: 'constructor' }, 'unsupported_grant_type'],
    [{ grant_type: '' }, 'invalid_request'],
    [{ grant_type: 'authorization_code' }, 'invalid_request'],
    [{ grant_type: 'refresh_token' }, 'invalid_request'],
    [{ grant_type: 'authorization_code', code: 'p2pc_damaged' }, 'invalid_grant'],
    [{ grant_type: 'refresh_token', refresh_token: 'p2pr_damaged' }, 'invalid_grant'],
  ])('answers %j with %s, and reads nothing', async (parameters, error) => {
    const { token, dynamo } = gateway();

    const response = await token(parameters);

    expect(response.statusCode).toBe(400);
    expect(bodyOf(response)).toEqual({ error, error_description: expect.stringMatching(/\.$/) });
    expect(response.headers).toMatchObject({ 'Cache-Control': 'no-store', 'Content-Type': 'application/json' });
    expect(dynamo.calls()).toEqual([]);
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
