import { turns } from '../../support/eventually.ts';
import { fetchGateway, fhir, issueOf, read } from '../../support/fetch-gateway.ts';

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
