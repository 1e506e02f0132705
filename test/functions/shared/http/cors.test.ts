import middy from '@middy/core';
import type { ApiEvent, ApiResponse } from '../../../../functions/shared/http/api.ts';
import { answerIfPreflight, corsForPartners } from '../../../../functions/shared/http/cors.ts';
import type { Registry } from '../../../../functions/shared/registry/registry.ts';
import { apiEvent, call, testDeps } from '../../../support/gateway.ts';

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
        'ETag, Location, Content-Location, WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy, X-Progress, Expires',
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
