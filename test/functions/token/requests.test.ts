import { metric } from '../../support/embedded-metrics.ts';
import { apiEvent, call } from '../../support/gateway.ts';
import { basic, bodyOf, gateway, throttled } from '../../support/login.ts';

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

  it('refuses a repeated parameter, even an unknown one', async () => {
    const { token } = gateway();

    const responses = [
      await token('grant_type=authorization_code&code=a&code=a'),
      await token('grant_type=authorization_code&code=a&x=1&x=1'),
    ];

    for (const response of responses) expect(bodyOf(response).error).toBe('invalid_request');
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

  it('answers 503 with Retry-After while the table fails, and never as authorized', async () => {
    const { login, redeem, dynamo } = gateway();
    const code = await login();

    for (const command of ['GetItem', 'UpdateItem']) {
      dynamo.failNext(command, throttled());

      const response = await redeem(code);

      expect(response.statusCode).toBe(503);
      expect(response.headers['Retry-After']).toBe('5');
      expect(bodyOf(response)).toEqual({ error: 'temporarily_unavailable', error_description: expect.any(String) });
    }
    expect((await redeem(code)).statusCode).toBe(200);
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

describe('CORS', () => {
  const preflight = (Origin: string) =>
    call(
      gateway().handlers.token,
      apiEvent('/oauth2/token', { method: 'OPTIONS', headers: { Origin, 'Access-Control-Request-Method': 'POST' } }),
    );

  it('answers a preflight of a registered origin without a token, and names Authorization', async () => {
    const response = await preflight('http://localhost:3002');

    expect(response.statusCode).toBe(204);
    expect(response.headers).toMatchObject({
      'Access-Control-Allow-Origin': 'http://localhost:3002',
      'Access-Control-Allow-Methods': 'POST, OPTIONS',
      'Access-Control-Allow-Headers': expect.stringContaining('Authorization'),
      Vary: 'Origin',
    });
  });

  it('admits no other origin', async () => {
    const response = await preflight('https://evil.example');

    expect(response.headers['Access-Control-Allow-Origin']).toBeUndefined();
    expect(response.headers['Vary']).toBe('Origin');
  });

  it('is on errors as well as successes', async () => {
    const { login, redeem } = gateway();
    const headers = { ...basic(), Origin: 'http://localhost:3002' };
    const code = await login();

    const responses = [await redeem('p2pc_damaged', {}, headers), await redeem(code, {}, headers)];

    expect(responses.map(({ statusCode }) => statusCode)).toEqual([400, 200]);
    for (const response of responses) {
      expect(response.headers['Access-Control-Allow-Origin']).toBe('http://localhost:3002');
      expect(response.headers['Access-Control-Expose-Headers']).toContain('WWW-Authenticate');
    }
  });
});
