import { DeleteTableCommand, DynamoDBClient, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { type AuditBucket } from '../../bin/audit/audit-bucket.ts';
import { idOf, nameOf } from '../../bin/audit/event-facts.ts';
import { findEvents } from '../../bin/audit/find-events.ts';
import { spec } from '../../bin/audit/flags.ts';
import { readCommand } from '../../bin/shared/command-line.ts';
import { trace } from '../../bin/trace/trace.ts';
import { systems, type AuditEvent } from '../../functions/audit/audit-event.ts';
import { createValidator } from '../profiles/validate.ts';
import type { Tokens } from '../support/login/steps.ts';
import { askOnce, connect, largeMember, type RunningStack } from './support.ts';

const payer = 'demo-health-plan';
// It runs first, since it blocks for seconds in which no connection would be served.
const validate = createValidator();
let stack: RunningStack;
let bucket: AuditBucket;
let dynamo: DynamoDBClient;

/** Every token that the gateway issues starts with its grant's id. */
const grantIdOf = ({ access_token: token }: Tokens): string =>
  Buffer.from(token.replace('p2pa_', ''), 'base64url').subarray(0, 16).toString('base64url');

/** What the command line finds about a grant. */
const eventsOf = async (tokens: Tokens): Promise<AuditEvent[]> => {
  await stack.streamsIdle();
  return findEvents(bucket, readCommand(spec, [`--grant=${grantIdOf(tokens)}`]));
};

const read = (path: string, { access_token: token }: Tokens, ask = fetch): Promise<Response> =>
  ask(`${stack.origin}/r4/${payer}/${path}`, { headers: { authorization: `Bearer ${token}` } });

const post = (endpoint: string, form: Record<string, string>): Promise<Response> =>
  fetch(`${stack.origin}/oauth2/${endpoint}`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'demo-partner', client_secret: 'demo-partner-secret', ...form }),
  });

/** Moves the beginning of every open read back, which to the audit means that time has passed. */
const passMinutes = async (minutes: number): Promise<void> => {
  const TableName = stack.tables['auditEvents'];
  const { Items = [] } = await dynamo.send(new ScanCommand({ TableName, IndexName: 'OpenReads' }));
  for (const { eventId, atMs } of Items) {
    await dynamo.send(
      new UpdateItemCommand({
        TableName,
        Key: { eventId: eventId ?? { S: '' } },
        UpdateExpression: 'SET atMs = :atMs',
        ExpressionAttributeValues: { ':atMs': { N: String(Number(atMs?.N) - minutes * 60_000) } },
      }),
    );
  }
};

/** Event, interaction, outcome and status, if the event has them. */
const lineOf = (event: AuditEvent): string => {
  const details = event.entity.flatMap(({ detail = [] }) => detail);
  const interaction = details.find(({ type }) => type === 'interaction')?.valueString;
  return [nameOf(event), interaction, event.outcome, event.outcomeDesc]
    .filter((part) => part !== undefined)
    .join(' | ');
};

/** Tests of a running stack. Afterwards it has no audit table any more. */
export const audit = (running: () => RunningStack): void => {
  beforeAll(() => {
    stack = running();
    const settings = {
      endpoint: stack.awsEndpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'local' },
    };
    bucket = { client: new S3Client(settings), name: stack.buckets['bucket'] ?? '' };
    dynamo = new DynamoDBClient(settings);
  });
  afterAll(() => {
    bucket.client.destroy();
    dynamo.destroy();
  });

  it('has a login, reads however they end, a refresh and a revocation, each as a valid AuditEvent', async () => {
    const tokens = await connect(stack, payer);
    const patient = `Patient/${tokens.patient}`;
    const sent = [
      await read(patient, tokens),
      await read('Observation/no-such-observation', tokens),
      await read('Patient/another-member', tokens),
    ];
    const bodies = await Promise.all(sent.map((response) => response.text()));
    const refreshed = await post('token', { grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
    const next = (await refreshed.json()) as Tokens;
    const revoked = await post('revoke', { token: next.access_token });

    const events = await eventsOf(tokens);

    expect([...sent, refreshed, revoked].map(({ status }) => status)).toEqual([200, 404, 403, 200, 200]);
    // Events of grants are known only to the second, so each kind is checked in its own order.
    const isRead = ({ type }: AuditEvent): boolean => type.code === 'rest';
    expect(events.filter((event) => !isRead(event)).map(lineOf)).toEqual([
      'created | 0',
      'redeemed | 0',
      'refreshed | 0',
      'revoked | 0',
    ]);
    expect(events.filter(isRead).map(lineOf)).toEqual([
      'opened | read Patient',
      'ended | read Patient | 0 | 200',
      'opened | read Observation',
      'ended | read Observation | 4 | 404',
      // The gateway's own refusal: the payer was not asked.
      'ended | read Patient | 4 | 403, access_denied',
    ]);
    expect(events.flatMap((event) => validate({ ...event }))).toEqual([]);
    for (const event of events) {
      expect(event.entity.map(({ what }) => what.reference)).toContain(patient);
      expect([idOf(event, systems.partner), idOf(event, systems.payer)]).toEqual(['demo-partner', payer]);
    }
    const [record = ''] = bodies;
    const details = events.flatMap(({ entity }) => entity.flatMap(({ detail = [] }) => detail));
    expect(details.find(({ type }) => type === 'bytes')?.valueString).toBe(String(Buffer.byteLength(record)));
  });

  it('has the beginning of a read whose function was killed after the first byte, and soon that its end is unknown', async () => {
    const tokens = await connect(stack, payer, largeMember);
    const answer = await read('Observation?_count=100000', tokens);
    const reader = answer.body?.getReader();
    const first = await reader?.read();

    for (const pid of stack.pids()['fetch'] ?? []) process.kill(pid, 'SIGKILL');
    const rest = (async () => {
      while ((await reader?.read())?.done === false);
    })();

    await expect(rest).rejects.toThrow();
    expect(first?.value?.length).toBeGreaterThan(0);
    expect((await eventsOf(tokens)).map(nameOf)).toEqual(['created', 'redeemed', 'opened']);

    await stack.invoke('audit', { source: 'aws.events' });
    expect((await eventsOf(tokens)).map(nameOf)).toEqual(['created', 'redeemed', 'opened']);
    await passMinutes(15);
    await stack.invoke('audit', { source: 'aws.events' });
    await stack.invoke('audit', { source: 'aws.events' });
    const last = (await eventsOf(tokens)).at(-1);
    expect(last && lineOf(last)).toBe('endUnknown | search-type Observation | 8 | end unknown');
    expect((await eventsOf(tokens)).map(nameOf).filter((name) => name === 'endUnknown')).toHaveLength(1);
  });

  it('is silent while its event source is disabled, and has everything once it is enabled again', async () => {
    const tokens = await connect(stack, payer);
    const before = (await eventsOf(tokens)).map(nameOf);
    stack.pauseStreams();
    const answer = await read(`Patient/${tokens.patient}`, tokens);
    await answer.text();
    const meanwhile = (await eventsOf(tokens)).map(nameOf);

    stack.resumeStreams();

    expect(answer.status).toBe(200);
    expect([before, meanwhile]).toEqual([
      ['created', 'redeemed'],
      ['created', 'redeemed'],
    ]);
    expect((await eventsOf(tokens)).map(nameOf)).toEqual(['created', 'redeemed', 'opened', 'ended']);
  });

  it('records a stream that the payer cut as failed, as do the partner, the log and the trace', async () => {
    const tokens = await connect(stack, payer, largeMember);
    const linesBefore = stack.functionLines.length;
    stack.cutPayer(payer, 300_000);
    const answer = await read('Observation?_count=1000', tokens);
    await expect(answer.text()).rejects.toThrow();
    stack.cutPayer(payer, undefined);

    expect(answer.status).toBe(200);
    const last = (await eventsOf(tokens)).at(-1);
    expect(last && lineOf(last)).toBe('ended | search-type Observation | 8 | 200, cut: payer_error');
    const lines = stack.functionLines.slice(linesBefore).map((line) => JSON.parse(line) as Record<string, unknown>);
    const line = lines.find(({ payerDown }) => payerDown === 1);
    expect(line).toMatchObject({
      function: 'fetch',
      payer,
      status: 200,
      error: 'payer_error',
      outcome: 'failed',
      detail: expect.stringMatching(/^cut after \d+ bytes: /) as unknown,
    });
    // This lets the alarm on crashed functions ignore it.
    expect(lines.some(({ answersCut }) => answersCut === 1)).toBe(true);
    const traced: string[] = [];
    await trace([String(line?.['requestId']).slice(0, 13)], {
      nowMs: Date.now(),
      environment: { AWS_ENDPOINT_URL: stack.awsEndpoint },
      output: { out: (text) => void traced.push(text), note: () => {} },
    });
    expect(traced.join('\n')).toContain(String(line?.['detail']));
    // The payer cuts only as long as it is told to.
    expect(await (await read('Observation?_count=1000', tokens)).json()).toMatchObject({ resourceType: 'Bundle' });
  });

  it('releases nothing from the payer while the beginning of a read cannot be written', async () => {
    const tokens = await connect(stack, payer);
    // This is the last test, since the table stays away.
    await dynamo.send(new DeleteTableCommand({ TableName: stack.tables['auditEvents'] }));
    const linesBefore = stack.functionLines.length;

    const answer = await read(`Patient/${tokens.patient}`, tokens, askOnce);

    const outcome = (await answer.json()) as { resourceType: string };
    expect(answer.status).toBe(503);
    expect(outcome.resourceType).toBe('OperationOutcome');
    expect(JSON.stringify(outcome)).not.toMatch(/Mayte822|Venegas795|birthDate/);
    expect((await eventsOf(tokens)).map(nameOf)).toEqual(['created', 'redeemed']);
    const lines = stack.functionLines.slice(linesBefore).map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.find(({ function: name }) => name === 'fetch')).toMatchObject({ status: 503, auditNotWritten: 1 });
  });
};
