import middy from '@middy/core';
import { GatewayError, unavailable, type ErrorCode } from '../../../../functions/shared/errors.ts';
import type { ApiEvent, ApiResponse } from '../../../../functions/shared/http/api.ts';
import {
  raise,
  raiseSignalOf,
  recordError,
  recordRequest,
  type RequestContext,
  type RequestRecord,
} from '../../../../functions/shared/record/request-record.ts';
import { blockedPartner, pausedPayer } from '../../../../functions/shared/registry/stops.ts';
import { metric, metricsOf, signalsOf } from '../../../support/embedded-metrics.ts';
import { apiEvent, call, testDeps } from '../../../support/gateway.ts';
import { reference } from '../../../support/reference.ts';

const handled = async (
  handler: (event: ApiEvent, context: RequestContext) => Promise<ApiResponse>,
  event = apiEvent('/oauth2/token'),
) => {
  const test = testDeps();
  const pipeline = middy<ApiEvent, ApiResponse>().use(recordRequest(test.deps, 'token')).handler(handler);
  await call(pipeline, event).catch(() => undefined);
  return test.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
};

/** The lines of a request whose handler notes something and answers with a status. */
const written = async (note: (record: RequestRecord) => number): Promise<string[]> => {
  const lines = await handled(async (_event, { record }) => ({ statusCode: note(record), headers: {}, body: '' }));
  return lines.map((line) => JSON.stringify(line));
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

it('has the metrics for CloudWatch in the same line, once there is a step', async () => {
  const lines = await written((record) => {
    Object.assign(record, { step: 'fetch', payer: 'northwind', payerMs: 20, bytes: 7 });
    raise(record, 'refreshFailed');
    raise(record, 'refreshFailed');
    return 200;
  });

  expect(lines).toHaveLength(1);
  expect(metric(lines[0] ?? '', 'requests')).toEqual({ 'step=fetch outcome=ok': 1 });
  expect(metric(lines[0] ?? '', 'refreshFailed')).toEqual({ '': 1 });
  expect(metricsOf(lines[0] ?? '')[0]?.namespace).toBe('p2p-gateway/local');
  expect(JSON.parse(lines[0] ?? '')).not.toHaveProperty('signals');
});

describe('the outcome of a request', () => {
  it.each<[string, number, ErrorCode | undefined, string, string]>([
    ['an answer', 200, undefined, 'ok', 'info'],
    ['a redirect', 302, undefined, 'ok', 'info'],
    ['the payer’s own 399', 399, undefined, 'ok', 'info'],
    ['the payer’s own 400', 400, undefined, 'refused', 'info'],
    ['the payer’s own 404', 404, undefined, 'refused', 'info'],
    ['a refusal', 401, 'invalid_token', 'refused', 'warn'],
    ['a refusal by redirect', 302, 'access_denied', 'refused', 'warn'],
    ['our own fault by redirect', 302, 'server_error', 'failed', 'error'],
    ['a payer that is away, by redirect', 302, 'temporarily_unavailable', 'failed', 'error'],
    ['a stream that was cut', 200, 'payer_error', 'failed', 'error'],
    ['a stream that took too long', 200, 'payer_timeout', 'failed', 'error'],
    ['a bad gateway', 502, 'payer_error', 'failed', 'error'],
    ['a crash', 500, undefined, 'failed', 'error'],
  ])('of %s: %i with %s is %s, a line of level %s', async (_, status, error, outcome, level) => {
    const [line] = await written((record) => {
      if (error !== undefined) record.error = error;
      return status;
    });

    expect(JSON.parse(line ?? '')).toMatchObject({ outcome, level });
  });
});

describe('a request that an operator’s stop refused', () => {
  it.each<[string, GatewayError, number, ErrorCode, string]>([
    [
      'a paused payer',
      pausedPayer({ at: 1, by: 'arn', reason: 'x' }, 2),
      503,
      'temporarily_unavailable',
      'the payer is paused',
    ],
    ['a blocked partner', blockedPartner(), 403, 'unauthorized_client', 'the partner is blocked'],
  ])(
    '%s: is nobody’s failure, whatever its status, and its line says so',
    async (_, refusal, status, error, detail) => {
      const [line = ''] = await written((record) => {
        record.step = 'fetch';
        recordError(record, refusal);
        return status;
      });

      expect(JSON.parse(line)).toMatchObject({ level: 'warn', outcome: 'refused', status, error, detail });
      expect(JSON.parse(line)).not.toHaveProperty('stopped');
      expect(metric(line, 'requests')).toEqual({ 'step=fetch outcome=refused': 1 });
    },
  );

  it('does not hide an outage of our own', async () => {
    const [line = ''] = await written((record) => {
      recordError(record, unavailable('registry: TimeoutError'));
      return 503;
    });

    expect(JSON.parse(line)).toMatchObject({ level: 'error', outcome: 'failed', detail: 'registry: TimeoutError' });
  });
});

describe('a payer that fails', () => {
  it.each<[string, Partial<RequestRecord>, string[]]>([
    ['its 500', { payerStatus: 500 }, ['payerDown']],
    ['an answer that cannot be read', { error: 'payer_error', payerStatus: 200 }, ['payerDown']],
    ['a time-out', { error: 'payer_timeout' }, ['payerDown']],
    ['an outage of our own', { error: 'temporarily_unavailable' }, []],
    ['its 404', { payerStatus: 404 }, []],
  ])('is counted by %s, no matter what noticed it', async (_, found, signals) => {
    const [line] = await written((record) => {
      Object.assign(record, { step: 'fetch', payer: 'northwind', ...found });
      return 502;
    });

    expect(signalsOf(line)).toEqual(signals);
  });
});

it('writes an unanswered failure as an error', async () => {
  const lines = await handled(() => Promise.reject(new Error('secret')));
  expect(lines).toEqual([expect.objectContaining({ level: 'error', status: 500 })]);
  expect(JSON.stringify(lines)).not.toContain('secret');
});

it('leaves the line of a streamed answer to its stream', async () => {
  const { Readable } = await import('node:stream');
  expect(await handled(async () => ({ statusCode: 200, headers: {}, body: Readable.from([]) }))).toEqual([]);
});

it('raises the signal of an error', async () => {
  const [line] = await written((record) => {
    recordError(record, new GatewayError('invalid_grant', 'Public.', { signal: 'reuseDetected' }));
    return 400;
  });

  expect(signalsOf(line)).toEqual(['reuseDetected']);
});

it('raises no signal for an error without one, or for a foreign error', () => {
  const foreign = [undefined, null, 'x', new Error('x'), Object.assign(new Error('x'), { signal: 'payerDown' })];
  for (const error of [new GatewayError('invalid_grant', 'Public.'), ...foreign]) {
    const record: Pick<RequestRecord, 'signals'> = {};

    raiseSignalOf(record, error);

    expect(record).toStrictEqual({});
  }
});

it('notes an error’s code, and its public sentence if it has no detail', () => {
  const known = new GatewayError('invalid_token', 'Public.');
  const record = {} as RequestRecord;

  expect(recordError(record, known)).toBe(known);

  expect(record).toStrictEqual({ error: 'invalid_token', detail: 'Public.' });
});

it('keeps what was noted before an error without a detail', () => {
  const record = { detail: 'A remark.' } as RequestRecord;

  recordError(record, new GatewayError('invalid_token', 'Public.'));

  expect(record.detail).toBe('A remark.');
});

it('says how long a request took in tenths of milliseconds', async () => {
  const test = testDeps();
  const pipeline = middy<ApiEvent, ApiResponse>()
    .use(recordRequest(test.deps, 'token'))
    .handler(async () => {
      test.passSeconds(1.23446);
      return { statusCode: 200, headers: {}, body: '' };
    });

  await call(pipeline, apiEvent('/oauth2/token'));

  expect(test.lines.map((line) => (JSON.parse(line) as { ms: number }).ms)).toEqual([1234.5]);
});

it('keeps an error’s private detail, or else its public sentence', async () => {
  const noting =
    (error: unknown) =>
    (_event: ApiEvent, { record }: RequestContext) => {
      recordError(record, error);
      return Promise.resolve({ statusCode: 401, headers: {}, body: '' });
    };
  const [known] = await handled(noting(new GatewayError('invalid_token', 'Public.', { detail: 'expired' })));
  expect(known).toMatchObject({ level: 'warn', error: 'invalid_token', detail: 'expired', outcome: 'refused' });
  const [plain] = await handled(noting(new GatewayError('invalid_token', 'Public.')));
  expect(plain).toMatchObject({ detail: 'Public.' });
  const [foreign] = await handled(noting(Object.assign(new TypeError('secret'), { code: 'ECODE' })));
  expect(foreign).toMatchObject({ error: 'server_error', detail: 'TypeError:ECODE' });
});

it('takes Lambda’s request id before API Gateway’s, which a client may choose (and so replay a one-time thing)', async () => {
  const event = apiEvent('/oauth2/token');
  event.requestContext.requestId = 'chosen-by-the-client';

  const [line] = await handled(async () => ({ statusCode: 200, headers: {}, body: '' }), event);

  expect(line?.['requestId']).toMatch(new RegExp(`^${reference}-`));
});
