import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jest } from '@jest/globals';
import middy from '@middy/core';
import type { ApiEvent, ApiResponse } from '../../../functions/shared/http/api.ts';
import { auditAnswers, auditRead, readEventWriter } from '../../../functions/shared/record/audit-read.ts';
import { recordRequest, type RequestRecord } from '../../../functions/shared/record/request-record.ts';
import { dynamoClient } from '../../../functions/shared/store/dynamo.ts';
import { eventually, turns } from '../../support/eventually.ts';
import { fetchGateway, fhir, issueOf, read, readEvent } from '../../support/fetch-gateway.ts';
import { call, startMs } from '../../support/gateway.ts';
import { withPayer } from '../../support/login.ts';

/** The FHIR route as in AWS: its gate and its end hook write to a table, which is in memory here. */
const readAudited = () => {
  const test = fetchGateway();
  test.payer.http = async () => fhir('{"resourceType":"Bundle","note":"health data"}');
  const deps = {
    ...test.deps,
    ...readEventWriter({ client: test.dynamo.client, name: 'AuditEvents' }, test.deps.clock),
  };
  const items = () => test.dynamo.puts('AuditEvents');
  /** The types of what was written, each with its status. */
  const written = () => items().map(({ type, status }) => [type?.S, status?.N].filter(Boolean).join(' '));
  return { ...test, deps, items, written };
};

/** The record of a request about which nothing is known yet. */
const blankRecord = (): RequestRecord => ({
  requestId: 'r',
  stage: 's',
  time: '',
  function: 'fetch',
  method: 'GET',
  route: '',
  startedAtMs: 0,
});

describe('a read', () => {
  it('records that it began and how it ended: who, whose, what kind, when and how much, and nothing from the record', async () => {
    const test = readAudited();
    const { token, grantId } = await test.grant({ patient: 'patient-1' });
    const answer = await read(test.deps, 'Observation', token, { query: 'code=canary-code' });

    const [opened, ended, ...others] = test.items();
    const atMs = { N: String(startMs) };
    const known = {
      atMs,
      requestId: { S: test.log()[0]?.['requestId'] },
      grantId: { S: grantId },
      partner: { S: 'demo-partner' },
      payer: { S: 'northwind' },
      patient: { S: 'patient-1' },
      interaction: { S: 'search-type Observation' },
      expiresAt: { N: String(startMs / 1000 + 35 * 86_400) },
    };
    const requestId = known.requestId.S as string;
    const key = { S: requestId };
    expect(opened).toEqual({ ...known, eventId: key, openId: key, type: { S: 'opened' } });
    expect(ended).toEqual({
      ...known,
      eventId: key,
      type: { S: 'ended' },
      status: { N: '200' },
      bytes: { N: String(answer.body.length) },
    });
    expect(others).toEqual([]);
    expect(test.lines.join('')).not.toContain('patient-1');
  });

  it('names no patient if the grant knows none, and the type of a compartment search', async () => {
    const test = readAudited();
    const { token } = await test.grant({ patient: undefined });
    const { registry } = test.reconfigured(withPayer('northwind', { patientFrom: 'none' }));
    await read({ ...test.deps, registry }, 'Patient/1/Observation', token);
    expect(test.items()[0]).not.toHaveProperty('patient');
    expect(test.items()[0]?.['interaction']).toEqual({ S: 'search-compartment Patient Observation' });
  });

  it.each([
    ['the payer refuses', () => fhir({ resourceType: 'OperationOutcome' }, { status: 404 }), '404', undefined],
    ['the payer says that nothing changed', () => new Response(null, { status: 304 }), '304', undefined],
    ['the payer fails', () => new Response('', { status: 500 }), '502', 'payer_error'],
    ['the payer asks to wait', () => new Response('', { status: 429 }), '429', 'too_many_requests'],
    [
      'the payer cannot be reached',
      () => Promise.reject(new TypeError('fetch failed')),
      '503',
      'temporarily_unavailable',
    ],
    [
      'the answer is not FHIR',
      () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
      '502',
      'payer_error',
    ],
  ])('records both if %s', async (_title, respond, status, error) => {
    const test = readAudited();
    const { token } = await test.grant();
    test.payer.http = async () => respond();
    await read(test.deps, 'Patient', token, { headers: { 'if-none-match': 'W/"1"' } });
    expect(test.written()).toEqual(['opened', `ended ${status}`]);
    const [, ended = {}] = test.items();
    expect(ended['error']).toEqual(error === undefined ? undefined : { S: error });
    expect(ended).not.toHaveProperty('bytes');
  });

  it.each([
    ['the scope', { scope: 'patient/Patient.r' }, 'Observation', 'insufficient_scope'],
    ['another patient', { patient: 'patient-1' }, 'Patient/patient-2', 'access_denied'],
    ['the payer, whose token has ended', { tokens: { accessToken: 'old', expiresAt: 1 } }, 'Patient', 'reconnect'],
  ])('that is refused for %s records its attempt, without an opening', async (_title, options, path, error) => {
    const test = readAudited();
    const { token } = await test.grant(options);
    const answer = await read(test.deps, path, token);
    expect(answer.statusCode).toBe(403);
    expect(test.written()).toEqual(['ended 403']);
    expect(test.items()[0]).not.toHaveProperty('bytes');
    expect(test.items()[0]).toMatchObject({ error: { S: error }, interaction: { S: expect.any(String) as string } });
  });

  it('that is cut says so, with the bytes that were sent', async () => {
    const test = readAudited();
    const { token } = await test.grant();
    const chunks = ['{"a":', undefined];
    const body = new ReadableStream({
      pull: (controller) => {
        const chunk = chunks.shift();
        if (chunk === undefined) controller.error(new Error('broken off'));
        else controller.enqueue(Buffer.from(chunk));
      },
    });
    test.payer.http = async () => fhir(body);
    await read(test.deps, 'Patient', token);
    expect(test.items()[1]).toMatchObject({ status: { N: '200' }, bytes: { N: '5' }, error: { S: 'payer_error' } });
  });

  it('records nothing if no grant is known, or if the request is not a read', async () => {
    const test = readAudited();
    const { token } = await test.grant();
    await read(test.deps, 'Patient', undefined);
    await read(test.deps, 'Patient', `${token}x`);
    await read(test.deps, 'NoSuchType', token);
    await read(test.deps, 'Patient', token, { method: 'DELETE' });
    await read(test.deps, 'metadata', token);
    expect(test.written()).toEqual([]);
    expect(test.lines.join('')).not.toContain('auditNotWritten');
  });
});

it('invents nothing for a read that its record does not describe', async () => {
  const test = readAudited();
  const nobody = { record: blankRecord(), patient: undefined };

  await test.deps.openGate(nobody);
  await test.deps.onEnd(nobody);

  const [opened, ended] = test.items();
  const empty = { S: '' };
  expect(opened).toMatchObject({ grantId: empty, partner: empty, payer: empty, interaction: empty });
  const { openId, ...known } = opened ?? {};
  expect(openId).toEqual({ S: 'r' });
  expect(ended).toEqual({
    ...known,
    type: { S: 'ended' },
    status: { N: '500' },
  });
  expect(opened).not.toHaveProperty('patient');
});

it('ends a read that has no answer as a 500', async () => {
  const test = readAudited();
  const handler = middy<ApiEvent, ApiResponse>()
    .use(recordRequest(test.deps, 'fetch'))
    .use(auditAnswers)
    .handler((_event, context) => {
      auditRead(test.deps, context, undefined);
      throw new RangeError('nobody answers');
    });

  await expect(call(handler, readEvent('Patient', undefined))).rejects.toThrow('nobody answers');

  expect(test.written()).toEqual(['ended 500']);
  expect(test.log()).toMatchObject([{ status: 500, outcome: 'failed' }]);
});

describe('a read whose opening is not written', () => {
  it('is 503 without a byte of the payer, and raises the alarm', async () => {
    const test = readAudited();
    const { token } = await test.grant();
    test.dynamo.failNext('PutItem', new RangeError('no table'));
    const answer = await read(test.deps, 'Patient', token);
    expect(answer.statusCode).toBe(503);
    expect(issueOf(answer).code).toBe('transient');
    expect(answer.text).not.toContain('health data');
    expect(test.log()).toEqual([expect.objectContaining({ detail: 'gate: RangeError', auditNotWritten: 1 })]);
    expect(test.written()).toEqual([]);
  });

  it('does not wait for a slow payer', async () => {
    const test = readAudited();
    const { token } = await test.grant();
    test.dynamo.failNext('PutItem', new RangeError('no table'));
    test.payer.http = (_input, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
      });
    expect((await read(test.deps, 'Patient', token)).statusCode).toBe(503);
  });

  it('ends within three seconds if DynamoDB hangs', async () => {
    const test = readAudited();
    const { token } = await test.grant();
    let tries = 0;
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const server = createServer(() => void (tries += 1)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    Object.assign(process.env, {
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    });
    const client = dynamoClient();
    const hanging = readEventWriter({ client, name: 'AuditEvents' }, test.deps.clock);

    const reading = read({ ...test.deps, ...hanging }, 'Patient', token);
    await eventually(() => tries > 1);
    const limit = timers.mock.calls.find(([, ms]) => ms === 2500);
    timers.mockRestore();
    limit?.[0]();

    expect((await reading).statusCode).toBe(503);
    expect(limit).toBeDefined();
    client.destroy();
    server.closeAllConnections();
    server.close();
  });
});

describe('a read whose end is not written', () => {
  const withoutEnd = async (test: ReturnType<typeof readAudited>) => {
    const { token } = await test.grant();
    const onEnd = () => Promise.reject(new RangeError('no table'));
    return read({ ...test.deps, onEnd }, 'Patient', token);
  };

  it('is cut and raises the alarm, and its beginning is recorded', async () => {
    const test = readAudited();
    const answer = await withoutEnd(test);
    expect(answer.error).toMatchObject({ message: 'The answer was cut' });
    expect(test.log()).toEqual([expect.objectContaining({ detail: 'end hook: RangeError', auditNotWritten: 1 })]);
    expect(test.written()).toEqual(['opened']);
  });

  it('raises the alarm if the payer refused, and the refusal stands', async () => {
    const test = readAudited();
    test.payer.http = async () => fhir({ resourceType: 'OperationOutcome' }, { status: 404 });
    const answer = await withoutEnd(test);
    expect(answer.statusCode).toBe(404);
    expect(test.log()).toEqual([expect.objectContaining({ status: 404, auditNotWritten: 1 })]);
  });
});

it('asks the payer before it waits for the audit, and releases no byte before the audit has answered', async () => {
  const test = readAudited();
  const { token } = await test.grant();
  const order: string[] = [];
  const { http } = test.payer;
  test.payer.http = (input, init) => {
    order.push('payer asked');
    return http(input, init);
  };
  test.dynamo.standIn('PutItem', async ({ Item: item }) => {
    const { S: type } = (item as { type: { S: string } }).type;
    order.push(`${type} asked`);
    await turns();
    order.push(`${type} written`);
    return {};
  });
  await read(test.deps, 'Patient', token, { stream: { onChunk: () => void order.push('byte') } });
  expect(order.slice(0, 2).toSorted()).toEqual(['opened asked', 'payer asked']);
  expect([...new Set(order.slice(2))]).toEqual(['opened written', 'byte', 'ended asked', 'ended written']);
  expect(order.at(-1)).toBe('ended written');
});

const ready = () => {
  const test = fetchGateway();
  test.payer.http = () => Promise.resolve(fhir('{"resourceType":"Patient","name":"health data"}'));
  return test;
};

describe('the gate', () => {
  it('that stays closed makes 503, and no byte of health data leaves, not even a header', async () => {
    for (const response of [
      fhir('{"name":"health data"}', { headers: { etag: 'health data' } }),
      fhir('{"resourceType":"OperationOutcome","text":"health data"}', { status: 404 }),
      new Response(null, { status: 304, headers: { etag: 'health data' } }),
      new Response('health data', { status: 500 }),
    ]) {
      const test = ready();
      test.payer.http = async () => response;
      const { token } = await test.grant();
      const openGate = () => Promise.reject(new RangeError('no audit'));
      const answer = await read({ ...test.deps, openGate }, 'Patient', token);
      expect(answer.statusCode).toBe(503);
      expect(answer.headers['Retry-After']).toBe('5');
      expect(issueOf(answer).code).toBe('transient');
      expect(JSON.stringify([answer.headers, answer.text])).not.toContain('health data');
      expect(test.log()[0]).toMatchObject({ status: 503, detail: 'gate: RangeError' });
    }
  });

  it('that stays closed releases the answer unread', async () => {
    const test = ready();
    const { token } = await test.grant();
    const seen: string[] = [];
    const body = new ReadableStream(
      { pull: () => void seen.push('read'), cancel: () => void seen.push('let go') },
      { highWaterMark: 0 },
    );
    let signal: AbortSignal | null | undefined;
    test.payer.http = async (_input, init) => {
      signal = init?.signal;
      return new Response(body, { headers: { 'content-type': 'application/fhir+json' } });
    };
    await read({ ...test.deps, openGate: () => Promise.reject(new Error('shut')) }, 'Patient', token);
    expect(seen).toEqual(['let go']);
    expect(signal?.aborted).toBe(true);
  });

  it('runs in parallel with the call to the payer, which waits for it', async () => {
    const test = ready();
    const { token } = await test.grant();
    const order: string[] = [];
    let open = (): void => undefined;
    const openGate = () => {
      order.push('gate asked');
      return new Promise<void>((resolve) => (open = resolve));
    };
    const { http } = test.payer;
    test.payer.http = (input, init) => {
      order.push('payer asked');
      return http(input, init);
    };
    const stream = { onChunk: () => void order.push('byte') };
    const reading = read({ ...test.deps, openGate }, 'Patient', token, { stream });
    await turns();
    expect(order.toSorted()).toEqual(['gate asked', 'payer asked']);
    open();
    expect((await reading).statusCode).toBe(200);
    expect(order).toContain('byte');
  });

  it('is irrelevant if the call failed', async () => {
    const test = ready();
    test.payer.http = () => Promise.reject(new TypeError('fetch failed'));
    const { token } = await test.grant();
    expect((await read(test.deps, 'Patient', token)).statusCode).toBe(503);
  });

  it('knows partner, payer, grant and interaction', async () => {
    const test = ready();
    const { token, grantId } = await test.grant();
    let seen: unknown;
    const openGate = async (audited: { record: object }) => void (seen = { ...audited.record });
    await read({ ...test.deps, openGate }, 'Patient/patient-1', token);
    expect(seen).toMatchObject({ grantId, partner: 'demo-partner', payer: 'northwind', interaction: 'read Patient' });
  });
});

describe('the end hook', () => {
  it('is awaited before the answer finishes, and the record is written after it', async () => {
    const test = ready();
    const { token } = await test.grant();
    const order: string[] = [];
    const onEnd = async (): Promise<void> => {
      await turns();
      order.push(`end hook, ${test.lines.length} lines`);
    };
    const stream = { onStart: (one: NodeJS.EventEmitter) => void one.on('finish', () => order.push('finished')) };
    const answer = await read({ ...test.deps, onEnd }, 'Patient', token, { stream });
    expect(answer.error).toBeUndefined();
    expect(order).toEqual(['end hook, 0 lines', 'finished']);
    expect(test.log()).toHaveLength(1);
  });

  it('gets the record of the whole answer', async () => {
    const test = ready();
    const { token } = await test.grant();
    let seen: unknown;
    const onEnd = async (audited: { record: object }) => void (seen = { ...audited.record });
    const answer = await read({ ...test.deps, onEnd }, 'Patient', token);
    expect(seen).toMatchObject({ status: 200, bytes: answer.body.length, payerStatus: 200, foreignLinks: 0 });
  });

  it('that fails cuts the answer with a bare error, and the record says so', async () => {
    const test = ready();
    const { token } = await test.grant();
    const onEnd = () => Promise.reject(new RangeError('secret detail'));
    const answer = await read({ ...test.deps, onEnd }, 'Patient', token);
    expect(answer.error).toMatchObject({ message: 'The answer was cut' });
    expect(answer.error).not.toHaveProperty('cause');
    expect(test.log()).toEqual([expect.objectContaining({ error: 'server_error', detail: 'end hook: RangeError' })]);
  });
});
