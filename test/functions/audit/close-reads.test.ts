import { GetItemCommand, PutItemCommand, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { auditHandler } from '../../../functions/audit/handler.ts';
import { readEventWriter } from '../../../functions/shared/record/audit-read.ts';
import type { Item } from '../../../functions/shared/store/items.ts';
import { createValidator } from '../../profiles/validate.ts';
import { metric } from '../../support/embedded-metrics.ts';
import { startMs } from '../../support/gateway.ts';
import { startDynamo, type Dynamo } from '../../support/world/dynalite.ts';
import { auditFunction, streamRecord } from './records.ts';

let dynamo: Dynamo;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.close());

let tables = 0;

/** AuditEvents as the stack creates it, what fetch writes there, and the audit function on its schedule. */
const start = async () => {
  const { client } = dynamo;
  const table = { client, name: `AuditEvents.${(tables += 1)}` };
  await dynamo.createTable({
    TableName: table.name,
    KeySchema: [{ AttributeName: 'eventId', KeyType: 'HASH' }],
    AttributeDefinitions: ['eventId', 'openId'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    GlobalSecondaryIndexes: [
      {
        IndexName: 'OpenReads',
        KeySchema: [{ AttributeName: 'openId', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['atMs'] },
      },
    ],
    BillingMode: 'PAY_PER_REQUEST',
  });
  const time = { ms: startMs };
  const clock = { now: () => time.ms, monotonic: () => time.ms };
  const writer = readEventWriter(table, clock);
  const readOf = (requestId: string) =>
    ({
      record: {
        requestId,
        grantId: 'grant-1',
        partner: 'demo-partner',
        payer: 'northwind',
        interaction: 'read Patient',
        status: 200,
        bytes: 7,
      },
      patient: 'patient-1',
    }) as Parameters<typeof writer.openGate>[0];
  const lines: string[] = [];
  const audit = auditHandler({
    clock,
    stage: 'local',
    table,
    bucket: { client: new S3Client({ region: 'eu-central-1' }), name: 'none' },
    writeLog: (line) => void lines.push(line),
  });
  let runs = 0;
  return {
    table,
    open: (requestId: string) => writer.openGate(readOf(requestId)),
    end: (requestId: string) => writer.onEnd(readOf(requestId)),
    passSeconds: (seconds: number) => void (time.ms += seconds * 1000),
    run: (requestId = `audit-${(runs += 1)}`) => audit({ source: 'aws.events' } as never, { awsRequestId: requestId }),
    item: async (requestId: string): Promise<Item> => {
      const Key = { eventId: { S: requestId } };
      const { Item: found } = await client.send(
        new GetItemCommand({ TableName: table.name, Key, ConsistentRead: true }),
      );
      return found ?? {};
    },
    log: () => lines.splice(0).map((line) => JSON.parse(line) as Record<string, unknown>),
  };
};

describe('a read that was opened and has no end', () => {
  it('is closed as endUnknown once it cannot be running any more, counted, and closed only once', async () => {
    const { open, passSeconds, run, item, log } = await start();
    await open('lost');
    passSeconds(14 * 60 + 30);
    await run();
    const before = (await item('lost'))['type']?.S;
    passSeconds(1);
    await run();
    const closed = await item('lost');
    await run();

    expect([before, closed['type']?.S]).toEqual(['opened', 'endUnknown']);
    expect(closed).not.toHaveProperty('openId');
    expect(closed['atMs']).toEqual({ N: String(startMs + 871_000) });
    expect(await item('lost')).toEqual(closed);
    const lines = log();
    expect(lines.map(({ level, closed: count, auditEndUnknown }) => [level, count, auditEndUnknown])).toEqual([
      ['info', 0, undefined],
      ['warn', 1, 1],
      ['info', 0, undefined],
    ]);
    expect(JSON.stringify(lines[1]?.['_aws'])).toContain('"auditEndUnknown"');
  });

  it('is a valid AuditEvent of outcome 8, under an id of its own', async () => {
    const { open, end, passSeconds, run, item } = await start();
    await open('lost');
    const opened = await item('lost');
    passSeconds(900);
    await run();
    const closed = await item('lost');
    await end('lost');
    const ended = await item('lost');
    const audit = auditFunction();

    await audit.handle(streamRecord(undefined, opened), streamRecord(opened, closed), streamRecord(closed, ended));

    const events = audit.events().map(({ event }) => event);
    const validate = createValidator();
    expect(events.flatMap((event) => validate({ ...event }))).toEqual([]);
    expect(events.map(({ subtype, outcome, outcomeDesc }) => [subtype[1]?.code, outcome, outcomeDesc])).toEqual([
      ['opened', undefined, undefined],
      ['endUnknown', '8', 'end unknown'],
      ['ended', '0', '200'],
    ]);
    expect(new Set(events.map(({ id }) => id)).size).toBe(3);
    expect(events[1]?.recorded).toBe(new Date(startMs + 900_000).toISOString());
  });

  it('is left alone while it may be running, and when it has ended', async () => {
    const { open, end, passSeconds, run, item } = await start();
    await open('ended');
    await end('ended');
    const ended = await item('ended');
    passSeconds(600);
    await open('running');
    passSeconds(600);

    await run();

    expect(await item('ended')).toEqual(ended);
    expect((await item('running'))['type']).toEqual({ S: 'opened' });
  });

  it('may end late: the real end replaces the unknown one, and stays', async () => {
    const { open, end, passSeconds, run, item } = await start();
    await open('late');
    passSeconds(900);
    await run();
    await end('late');
    await run();

    expect((await item('late'))['type']).toEqual({ S: 'ended' });
    expect(await item('late')).not.toHaveProperty('closedBy');
  });

  it('is not reopened by an opening write that arrives after its end, or by another with the same id', async () => {
    const { open, end, item } = await start();
    await open('once');
    await open('once');
    await end('once');

    await expect(open('once')).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
    expect((await item('once'))['type']).toEqual({ S: 'ended' });
  });

  it('is closed among hundreds, across all pages of the index', async () => {
    const { open, end, passSeconds, run, log } = await start();
    const ids = Array.from({ length: 130 }, (_, index) => `read-${index}`);
    // In turn: all at once, the last would wait for the others longer than a write may take.
    for (const id of ids) await open(id);
    for (const id of ids.slice(0, 50)) await end(id);
    passSeconds(900);

    await Promise.all([run(), run()]);
    await run();

    const closed = log().map((line) => Number(line['closed']));
    expect(closed.reduce((sum, count) => sum + count)).toBe(80);
    expect(closed.at(-1)).toBe(0);
  });

  it('is closed by a write whose answer was lost: the SDK’s retry counts it, too', async () => {
    const { open, passSeconds, run, table, log } = await start();
    await open('lost');
    passSeconds(900);
    const send = dynamo.client.send.bind(dynamo.client);
    const sentTwice = async (command: Parameters<typeof send>[0]): Promise<unknown> => {
      if (command instanceof UpdateItemCommand) await send(command);
      return send(command);
    };
    Object.assign(table, { client: { send: sentTwice } });

    await run();

    expect(log()[0]).toMatchObject({ closed: 1, auditEndUnknown: 1 });
  });

  it('is closed although another item has the 400 KB that DynamoDB allows, so that it can never be: this rings', async () => {
    const { open, passSeconds, run, item, table, log } = await start();
    // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html: 400 KB, names included.
    const full = { eventId: { S: 'full' }, openId: { S: 'f' }, atMs: { N: String(startMs) }, patient: { S: '' } };
    full.patient.S = 'p'.repeat(400 * 1024 - 'eventIdfullopenIdfatMspatient'.length - 8);
    await dynamo.client.send(new PutItemCommand({ TableName: table.name, Item: full }));
    await open('lost');
    passSeconds(900);

    await run();

    expect((await item('lost'))['type']).toEqual({ S: 'endUnknown' });
    expect(log()[0]).toMatchObject({ level: 'error', closed: 1, damaged: 1, auditNotWritten: 1 });
  });

  it('that cannot be closed raises the alarm, and the run fails', async () => {
    const { open, passSeconds, run, table, log } = await start();
    await open('lost');
    passSeconds(900);
    Object.assign(table, { name: 'no-such-table' });

    await expect(run()).rejects.toThrow('Reads without an end were not closed: ResourceNotFoundException');
    expect(log()[0]).toMatchObject({ level: 'error', closed: 0, auditNotWritten: 1 });
  });
});

const overdue = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => ({
    eventId: { S: `read-${from + index}` },
    atMs: { N: String(startMs - 3_600_000) },
  }));

/** The audit function on its schedule, over an index with these pages. */
const runOver = async (
  pages: readonly Record<string, { S: string } | { N: string }>[][],
  refuse: (eventId: string) => boolean = () => false,
) => {
  const scans: unknown[] = [];
  const closed: string[] = [];
  const lines: Record<string, unknown>[] = [];
  const send = async (command: unknown): Promise<unknown> => {
    if (command instanceof ScanCommand) {
      scans.push(command.input);
      const page = scans.length - 1;
      const more = page + 1 < pages.length;
      return { Items: pages[page], ...(more ? { LastEvaluatedKey: { eventId: { S: `page-${page}` } } } : {}) };
    }
    if (!(command instanceof UpdateItemCommand)) throw new Error('no such call');
    const eventId = command.input.Key?.['eventId']?.S ?? '';
    if (refuse(eventId)) throw Object.assign(new Error('Patient/patient-1'), { name: 'ThrottlingException' });
    closed.push(eventId);
    return {};
  };
  const run = auditHandler({
    clock: { now: () => startMs },
    stage: 'local',
    table: { client: { send } as never, name: 'AuditEvents' },
    bucket: { client: new S3Client({ region: 'eu-central-1' }), name: 'none' },
    writeLog: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  })({ source: 'aws.events' } as never, { awsRequestId: 'audit-1' });
  const failure = await run.then(
    () => undefined,
    (error: unknown) => (error as Error).message,
  );
  return { scans, closed, lines, failure };
};

it('reads without an end are found on every page of the index', async () => {
  const { scans, closed, failure } = await runOver([overdue(2), [], overdue(1, 2)]);
  expect(scans).toEqual([
    { TableName: 'AuditEvents', IndexName: 'OpenReads', ExclusiveStartKey: undefined },
    { TableName: 'AuditEvents', IndexName: 'OpenReads', ExclusiveStartKey: { eventId: { S: 'page-0' } } },
    { TableName: 'AuditEvents', IndexName: 'OpenReads', ExclusiveStartKey: { eventId: { S: 'page-1' } } },
  ]);
  expect(closed).toEqual(['read-0', 'read-1', 'read-2']);
  expect(failure).toBeUndefined();
});

it('a run closes a thousand, and leaves the rest and further pages to the next', async () => {
  const { scans, closed } = await runOver([overdue(600), overdue(600, 600), overdue(1, 1200)]);
  expect(scans).toHaveLength(2);
  expect(closed).toHaveLength(1000);
  expect(closed.at(-1)).toBe('read-999');
});

it('an item without a time, and one that began 870 s ago, are left alone', async () => {
  const { closed } = await runOver([
    [
      { eventId: { S: 'no-time' } },
      { atMs: { N: '1' } },
      { eventId: { S: 'running' }, atMs: { N: String(startMs - 870_000) } },
      { eventId: { S: 'overdue' }, atMs: { N: String(startMs - 870_001) } },
    ],
  ]);
  expect(closed).toEqual(['overdue']);
});

it('a run in which some cannot be closed says how many it closed, names the cause alone, and fails', async () => {
  const { closed, lines, failure } = await runOver([overdue(60)], (eventId) => eventId === 'read-25');
  // Twenty at a time; those beside the failure are finished, the next twenty are left.
  expect(closed).toHaveLength(39);
  expect(lines).toEqual([
    expect.objectContaining({
      level: 'error',
      time: new Date(startMs).toISOString(),
      function: 'audit',
      closed: 39,
      detail: 'ThrottlingException',
      auditEndUnknown: 39,
      auditNotWritten: 1,
    }),
  ]);
  const line = JSON.stringify(lines[0]);
  expect([metric(line, 'auditEndUnknown'), metric(line, 'auditNotWritten')]).toEqual([{ '': 39 }, { '': 1 }]);
  expect(failure).toBe('Reads without an end were not closed: ThrottlingException');
});
