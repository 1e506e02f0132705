import { jest } from '@jest/globals';
import middy from '@middy/core';
import { GatewayError } from '../../../../functions/shared/errors.ts';
import type { ApiEvent, ApiResponse } from '../../../../functions/shared/http/api.ts';
import { answerIfPreflight, corsForPartners } from '../../../../functions/shared/http/cors.ts';
import { finishInTime } from '../../../../functions/shared/http/finish-in-time.ts';
import { json, oauthError } from '../../../../functions/shared/http/respond.ts';
import type { Registry } from '../../../../functions/shared/registry/registry.ts';
import { apiEvent, call, startMs, testDeps } from '../../../support/gateway.ts';
import { basic, bodyOf, gateway, northwindTokens, sentBack } from '../../../support/login.ts';

const always = {
  'Content-Type': 'application/json',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
};

describe('a JSON answer', () => {
  it('is never sniffed, and may have more headers', () => {
    expect(json(201, { a: 1 }, { ETag: '"1"' })).toEqual({
      statusCode: 201,
      headers: { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff', ETag: '"1"' },
      body: '{"a":1}',
    });
  });
});

describe('an OAuth error', () => {
  it('has its code, the public sentence and the reference, nothing else, and is never stored', () => {
    const error = new GatewayError('invalid_grant', 'The code is not known.', { detail: 'private' });

    expect(oauthError(error, 'ref-1')).toEqual({
      statusCode: 400,
      headers: always,
      body: '{"error":"invalid_grant","error_description":"The code is not known. (reference ref-1)"}',
    });
  });

  it('names the way to authenticate with 401 and only with 401 (RFC 6749 §5.2)', () => {
    const challenge = { 'WWW-Authenticate': 'Basic realm="gateway", charset="UTF-8"' };

    for (const status of [400, 401, 403, 405, 429, 500, 503]) {
      expect(oauthError(new GatewayError('invalid_client', 'No.', { status }), 'ref-1').headers).toEqual(
        status === 401 ? { ...always, ...challenge } : always,
      );
    }
  });

  it('has Retry-After if known, even if it is zero', () => {
    for (const retryAfterSeconds of [0, 30]) {
      const error = new GatewayError('temporarily_unavailable', 'Later.', { status: 503, retryAfterSeconds });

      expect(oauthError(error, 'ref-1').headers).toEqual({ ...always, 'Retry-After': String(retryAfterSeconds) });
    }
  });

  it('uses OAuth’s own codes, and has the error’s headers', () => {
    const error = new GatewayError('method_not_allowed', 'Use POST.', { status: 405, headers: { Allow: 'POST' } });

    expect(oauthError(error, 'ref-1')).toEqual({
      statusCode: 405,
      headers: { ...always, Allow: 'POST' },
      body: '{"error":"invalid_request","error_description":"Use POST. (reference ref-1)"}',
    });
  });
});

const { registry } = testDeps().deps;
const answered = async (headers: Record<string, string>, known: Registry = registry) => {
  const pipeline = middy<ApiEvent, ApiResponse>()
    .use(corsForPartners(known))
    .handler(async () => ({ statusCode: 200, headers: { ETag: '"1"' }, body: '' }));
  return (await call(pipeline, apiEvent('/x', { headers }))).headers;
};

describe('a preflight', () => {
  it('is answered without a body, names every header since `*` does not cover Authorization, and is valid for ten minutes', () => {
    expect(answerIfPreflight(apiEvent('/x', { method: 'OPTIONS' }), 'GET, OPTIONS')).toEqual({
      statusCode: 204,
      headers: {
        'Access-Control-Allow-Methods': 'GET, OPTIONS',
        'Access-Control-Allow-Headers': 'Authorization, Accept, Content-Type, If-None-Match, If-Modified-Since, Prefer',
        'Access-Control-Max-Age': '600',
        Allow: 'GET, OPTIONS',
      },
      body: '',
    });
  });

  it('is not any other request', () => {
    for (const method of ['GET', 'POST', 'HEAD'])
      expect(answerIfPreflight(apiEvent('/x', { method }), 'GET')).toBeUndefined();
  });
});

describe('an answer to a browser', () => {
  it('may be read by an origin that a partner registered, with the headers that a client needs', async () => {
    expect(await answered({ Origin: 'http://localhost:3002' })).toEqual({
      ETag: '"1"',
      Vary: 'Origin',
      'Access-Control-Allow-Origin': 'http://localhost:3002',
      'Access-Control-Expose-Headers':
        'ETag, Link, Location, Content-Location, WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy, X-Progress, Expires',
    });
  });

  it('may be read by no other origin, and tells caches that it depends on the origin', async () => {
    expect(await answered({ Origin: 'https://evil.example' })).toEqual({ ETag: '"1"', Vary: 'Origin' });
  });

  it('without an Origin asks no registry about one', async () => {
    const isWebOrigin = () => Promise.reject(new Error('asked'));

    expect(await answered({}, { ...registry, isWebOrigin })).toEqual({ ETag: '"1"', Vary: 'Origin' });
  });

  it('that is missing leaves an error unchanged', async () => {
    const failing = middy<ApiEvent, ApiResponse>()
      .use(corsForPartners(registry))
      .handler(() => Promise.reject(new Error('theirs')));

    await expect(call(failing, apiEvent('/x'))).rejects.toThrow('theirs');
  });
});

const never = (): Promise<never> => new Promise(() => undefined);
const left = (ms: number) => ({ getRemainingTimeInMillis: () => ms });

describe('the time of a buffered answer', () => {
  beforeEach(
    () => void jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'], now: startMs }),
  );
  afterEach(() => void jest.useRealTimers());

  it('ends four seconds before API Gateway’s 29 s, with 503 and Retry-After', async () => {
    const answer = finishInTime(left(29_000), never).catch((error: unknown) => error);

    await jest.advanceTimersByTimeAsync(24_999);
    expect(jest.getTimerCount()).toBe(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(await answer).toMatchObject({
      code: 'temporarily_unavailable',
      status: 503,
      retryAfterSeconds: 5,
      detail: 'time budget is over',
    });
  });

  it('does not affect steps that end earlier: their result or error is passed on, and no timer is left', async () => {
    expect(await finishInTime(left(29_000), async () => 'done')).toBe('done');
    await expect(finishInTime(left(29_000), () => Promise.reject(new Error('theirs')))).rejects.toThrow('theirs');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('applies to the token endpoint: OAuth JSON', async () => {
    const test = gateway();
    const pair = await test.connect();
    test.payer.http = never;

    const answer = test.revoke({ token: pair.access_token }, basic());
    await jest.advanceTimersByTimeAsync(25_000);

    const response = await answer;
    expect([response.statusCode, response.headers['Retry-After'], bodyOf(response).error]).toEqual([
      503,
      '5',
      'temporarily_unavailable',
    ]);
  });

  it('applies to the callback: the browser goes back to the partner with error, state and iss', async () => {
    const test = gateway();
    const { state, cookie } = await test.start();
    // The tokens came without a patient scope, so the payer is asked to revoke them, but does not answer.
    test.payer.http = (input) =>
      String(input).endsWith('/revoke') ? never() : Promise.resolve(Response.json({ ...northwindTokens, scope: 'x' }));

    const answer = test.callback(test.fromPayer(state), { cookie });
    await jest.advanceTimersByTimeAsync(25_000);

    expect(sentBack(await answer)).toMatchObject({
      error: 'temporarily_unavailable',
      state: 'partner-state',
      iss: 'http://localhost:3000/r4/northwind',
    });
  });
});
