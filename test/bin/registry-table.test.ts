import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { patiently } from '../../bin/shared/patience.ts';
import { openRegistryTable, readAll, readOne, type RegistryTable } from '../../bin/shared/registry-table.ts';
import { endStop, removeEntry, stopEntry, writeEntry } from '../../bin/shared/registry-writes.ts';
import type { StageConfig } from '../../config/stage.ts';
import { isBlocked, isPaused } from '../../functions/shared/registry/stops.ts';
import { startAws, type LocalAws } from '../../sandbox/aws/aws.ts';
import { stores, type Store } from '../model/store.ts';
import { memoryDynamo } from '../support/memory-dynamo.ts';

const changed = { changedAt: 1_780_000_000, changedBy: 'arn:aws:iam::111122223333:user/one', reason: 'first' };
const later = { changedAt: 1_780_000_100, changedBy: 'arn:aws:iam::111122223333:user/two', reason: 'second' };
const stop = { at: 1_780_000_050, by: 'arn:aws:iam::111122223333:user/three', reason: 'a leak' };
const end = { at: 1_780_000_200, by: 'arn:aws:iam::111122223333:user/four', reason: 'a new secret' };
const [id, entry] = ['partner#app', { clientId: 'app', name: 'App' }];

describe.each(Object.entries(stores))('an item of the registry, in DynamoDB %s,', (_, open) => {
  let store: Store;
  let table: RegistryTable;
  beforeEach(async () => {
    store = await open();
    table = { client: store.client, name: store.tables.Registry, wait: async () => {} };
  });
  afterEach(() => store.close());

  const raw = (change: string, values: Record<string, { S: string } | { N: string }> = {}) =>
    store.client.send(
      new UpdateItemCommand({
        TableName: table.name,
        Key: { entryId: { S: id } },
        UpdateExpression: change,
        ConditionExpression: 'attribute_exists(entryId)',
        ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
      }),
    );

  it('says what was written, by whom and why, and counts its versions', async () => {
    expect(await writeEntry(table, id, undefined, entry, changed)).toEqual({ written: true });
    const first = await readOne(table, id);
    expect(first).toMatchObject({ entryId: id, version: 1, entry, damaged: false, stop: undefined, ...changed });

    expect(await writeEntry(table, id, first, { ...entry, name: 'New' }, later)).toEqual({ written: true });
    expect(await readOne(table, id)).toMatchObject({ version: 2, entry: { name: 'New' }, ...later });
    expect([...(await readAll(table)).keys()]).toEqual([id]);
  });

  it('is written only by who has read its last version, and tells the other what it is now', async () => {
    await writeEntry(table, id, undefined, entry, changed);
    const read = await readOne(table, id);
    await writeEntry(table, id, read, { ...entry, name: 'New' }, later);

    const refused = { written: false, now: { version: 2, entry: { name: 'New' }, ...later } };
    expect(await writeEntry(table, id, read, entry, changed)).toMatchObject(refused);
    expect(await writeEntry(table, id, undefined, entry, changed)).toMatchObject(refused);
    expect(await removeEntry(table, read!, changed)).toMatchObject(refused);
    expect(await stopEntry(table, read!, stop)).toMatchObject(refused);
    expect(await endStop(table, read!, end)).toMatchObject(refused);
    expect(await readOne(table, id)).toMatchObject(refused.now);
  });

  it('keeps its stop while the entry is changed, removed and added again', async () => {
    await writeEntry(table, id, undefined, entry, changed);
    await stopEntry(table, (await readOne(table, id))!, { ...stop, until: 1_780_009_000 });
    expect(await readOne(table, id)).toMatchObject({ version: 2, entry, stop: { ...stop, until: 1_780_009_000 } });

    await writeEntry(table, id, await readOne(table, id), { ...entry, name: 'New' }, later);
    await stopEntry(table, (await readOne(table, id))!, stop);
    await removeEntry(table, (await readOne(table, id))!, later);
    const removed = await readOne(table, id);
    expect(removed).toMatchObject({ version: 5, entry: undefined, damaged: false, ...later });
    expect(removed?.stop).toEqual({ ...stop, until: undefined });
    await writeEntry(table, id, removed, entry, changed);
    expect(await readOne(table, id)).toMatchObject({ version: 6, entry, stop });

    await endStop(table, (await readOne(table, id))!, end);
    const over = { ...end, until: end.at };
    expect(await readOne(table, id)).toMatchObject({ version: 7, entry, stop: over, ...changed });
    expect([isBlocked(over), isPaused(over, end.at - 60)]).toEqual([false, false]);
  });

  it.each([
    ['its entry', 'SET entry = :v', { ':v': { S: '{}' } }],
    ['its version, made a text', 'SET entry = :v, version = :n', { ':v': { S: '{}' }, ':n': { S: 'two' } }],
    ['its version, removed', 'SET entry = :v REMOVE version', { ':v': { S: '{}' } }],
    ['its version, below one', 'SET entry = :v, version = :n', { ':v': { S: '{}' }, ':n': { N: '-3' } }],
    ['its digest, removed', 'SET reason = :v REMOVE digest', { ':v': { S: 'x' } }],
  ])(
    'is found damaged if someone changed %s by hand, and can be written again, once',
    async (_what, change, values) => {
      await writeEntry(table, id, undefined, entry, changed);
      await stopEntry(table, (await readOne(table, id))!, stop);
      await raw(change, values);
      const damaged = await readOne(table, id);
      expect(damaged).toMatchObject({ damaged: true, entry: undefined, stop });

      expect(await writeEntry(table, id, damaged, entry, later)).toEqual({ written: true });
      expect(await readOne(table, id)).toMatchObject({ damaged: false, entry, stop });
      expect(await writeEntry(table, id, damaged, entry, changed)).toMatchObject({ written: false });
    },
  );
});

describe('a write of the registry', () => {
  const { client, failNext, repeatNext, calls, items } = memoryDynamo();
  const waits: number[] = [];
  const table = { client, name: 'Registry', wait: async (ms: number) => void waits.push(ms) };
  const error = (name: string) => Object.assign(new Error(), { name });
  beforeEach(async () => {
    items('Registry').clear();
    await writeEntry(table, id, undefined, entry, changed);
    calls();
    waits.length = 0;
  });
  const writes = {
    writeEntry: async () => writeEntry(table, id, await readOne(table, id), { ...entry, name: 'New' }, later),
    removeEntry: async () => removeEntry(table, (await readOne(table, id))!, later),
    stopEntry: async () => stopEntry(table, (await readOne(table, id))!, stop),
    endStop: async () => endStop(table, (await readOne(table, id))!, end),
  };

  it.each(Object.entries(writes))('knows itself again when its answer was lost: %s', async (_name, make) => {
    if (make === writes.endStop) await writes.stopEntry();
    const { version } = (await readOne(table, id))!;
    failNext('UpdateItem', error('TimeoutError'), { after: true });
    expect(await make()).toEqual({ written: true });
    expect(await readOne(table, id)).toMatchObject({ version: version + 1 });

    await writes.stopEntry();
    repeatNext('UpdateItem');
    expect(await make()).toEqual({ written: true });
    expect(await readOne(table, id)).toMatchObject({ version: version + 3 });
  });

  it('waits longer and longer while the table throttles, and then goes on', async () => {
    for (let times = 0; times < 3; times += 1) failNext('UpdateItem', error('ProvisionedThroughputExceededException'));
    expect(await writes.writeEntry()).toEqual({ written: true });
    expect(waits).toEqual([200, 400, 800]);
  });

  it('gives up after eight tries, or at once if repeating does not help', async () => {
    const tries = (name: string) => {
      let made = 0;
      const failing = patiently(table.wait, async () => {
        made += 1;
        throw error(name);
      });
      return failing.catch(({ name: thrown }: Error) => [thrown, made]);
    };
    expect(await tries('ThrottlingException')).toEqual(['ThrottlingException', 8]);
    expect(waits.at(-1)).toBe(10_000);
    expect(await tries('AccessDeniedException')).toEqual(['AccessDeniedException', 1]);
    expect(await tries('ConditionalCheckFailedException')).toEqual(['ConditionalCheckFailedException', 1]);
  });

  it('reads all items, however many pages they take', async () => {
    for (let number = 0; number < 25; number += 1) await writeEntry(table, `payer#${number}`, undefined, {}, changed);
    const send = client.send.bind(client) as (command: object) => Promise<object>;
    const inPages = memoryDynamo().client;
    Object.assign(inPages, {
      send: (command: { input: { Limit?: number } }) => {
        command.input.Limit = 10;
        return send(command);
      },
    });
    calls();
    expect((await readAll({ ...table, client: inPages })).size).toBe(26);
    expect(calls()).toEqual(['Scan', 'Scan', 'Scan']);
  });
});

describe('opening the registry', () => {
  const stage = { stage: 'local' } as StageConfig;
  let aws: LocalAws;
  beforeAll(async () => {
    aws = await startAws(0);
  });
  afterAll(() => aws.close());
  const open = (config: StageConfig, name?: string) =>
    openRegistryTable(config, { environment: { AWS_ENDPOINT_URL: aws.url }, tool: 'operator', name });
  const create = (physicalName: string) =>
    aws.dynamoDb.createTables(
      [
        {
          name: physicalName,
          physicalName,
          keySchema: [{ AttributeName: 'entryId', KeyType: 'HASH' }],
          attributeDefinitions: [{ AttributeName: 'entryId', AttributeType: 'S' }],
        },
      ],
      () => {},
    );

  it('finds the table by its name, and asks AWS who the operator is', async () => {
    await expect(open(stage)).rejects.toThrow('The local stack has no table p2p-gateway-local-TablesRegistry…');
    await create('p2p-gateway-local-TablesRegistry7A');
    const { table, operator, close } = await open(stage);
    await table.client.send(
      new PutItemCommand({ TableName: table.name, Item: { entryId: { S: 'payer#a' }, version: { N: '1' } } }),
    );
    expect(table.name).toBe('p2p-gateway-local-TablesRegistry7A');
    expect(operator).toEqual({ arn: 'arn:aws:iam::000000000000:user/operator', isStandIn: true });
    expect((await readAll(table)).size).toBe(1);
    close();

    const named = await open(stage, 'another');
    expect(named.table.name).toBe('another');
    named.close();
  });
});
