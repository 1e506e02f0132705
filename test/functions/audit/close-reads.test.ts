import { GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { auditHandler } from '../../../functions/audit/handler.ts';
import { readEventWriter } from '../../../functions/shared/record/audit-read.ts';
import type { Item } from '../../../functions/shared/store/items.ts';
import { createValidator } from '../../profiles/validate.ts';
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
