import middy from '@middy/core';
import { GatewayError } from '../../../functions/shared/errors.ts';
import type { ApiEvent, ApiResponse } from '../../../functions/shared/http/api.ts';
import { recordError, recordOf, recordRequest } from '../../../functions/shared/request-record.ts';
import { apiEvent, call, testDeps } from '../../support/gateway.ts';

const handled = async (handler: (event: ApiEvent) => Promise<ApiResponse>, event = apiEvent('/oauth2/token')) => {
  const test = testDeps();
  const pipeline = middy<ApiEvent, ApiResponse>().use(recordRequest(test.deps, 'token')).handler(handler);
  await call(pipeline, event).catch(() => undefined);
  return test.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
};

it('writes one line with when, what, outcome and how long', async () => {
  const lines = await handled(async () => ({ statusCode: 200, headers: {}, body: '' }));
  expect(lines).toEqual([
    {
      level: 'info',
      time: '2026-06-01T12:00:00.000Z',
      requestId: expect.any(String) as string,
      function: 'token',
      method: 'GET',
      route: '/oauth2/token',
      status: 200,
      outcome: 'ok',
      ms: 0,
    },
  ]);
});

it('writes a failure that nothing answered as an error', async () => {
  const lines = await handled(() => Promise.reject(new Error('secret')));
  expect(lines).toEqual([expect.objectContaining({ level: 'error', status: 500 })]);
  expect(JSON.stringify(lines)).not.toContain('secret');
});

it('leaves the line of a streamed answer to its stream', async () => {
  const { Readable } = await import('node:stream');
  expect(await handled(async () => ({ statusCode: 200, headers: {}, body: Readable.from([]) }))).toEqual([]);
});

it('keeps the private detail of an error, and none where there is none', async () => {
  const noting = (error: unknown) => (event: ApiEvent) => {
    recordError(recordOf(event), error);
    return Promise.resolve({ statusCode: 401, headers: {}, body: '' });
  };
  const [known] = await handled(noting(new GatewayError('invalid_token', 'Public.', { detail: 'expired' })));
  expect(known).toMatchObject({ level: 'warn', error: 'invalid_token', detail: 'expired', outcome: 'refused' });
  const [plain] = await handled(noting(new GatewayError('invalid_token', 'Public.')));
  expect(plain).not.toHaveProperty('detail');
  const [foreign] = await handled(noting(Object.assign(new TypeError('secret'), { code: 'ECODE' })));
  expect(foreign).toMatchObject({ error: 'server_error', detail: 'TypeError:ECODE' });
});

it('says so where a pipeline forgot to open a record', () => {
  expect(() => recordOf(apiEvent('/'))).toThrow('recordRequest must come first');
});

it('takes Lambda’s request id before API Gateway’s, which a client may choose (and so replay a one-time thing)', async () => {
  const event = apiEvent('/oauth2/token');
  event.requestContext.requestId = 'chosen-by-the-client';

  const [line] = await handled(async () => ({ statusCode: 200, headers: {}, body: '' }), event);

  expect(line?.['requestId']).toMatch(/^lambda-request-/);
});
