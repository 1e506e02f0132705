import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BatchWriteItemCommand,
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { startAws, type LocalAws } from '../../sandbox/aws/aws.ts';
import { invokeDirectly, startFunction, ThrottledError } from '../../sandbox/aws/lambda.ts';
import { streamFeed } from '../../sandbox/aws/stream-feed.ts';
import type { MappingSpec, TableSpec } from '../../sandbox/aws/template-data.ts';
import { eventually } from '../support/eventually.ts';
import { words } from '../support/words.ts';

const streamOf = (name: string): string => `arn:aws:dynamodb:us-east-1:000000000000:table/${name}/stream/1`;
const table = (name: string, viewType?: NonNullable<TableSpec['stream']>['viewType']): TableSpec => ({
  name,
  physicalName: name,
  keySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  attributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
  ...(viewType === undefined ? {} : { stream: { arn: streamOf(name), viewType } }),
});
const mapping = (more: Partial<MappingSpec> = {}): MappingSpec => ({
  streamArn: streamOf('both'),
  functionName: 'audit',
  filters: [],
  batchSize: 100,
  bisect: true,
  namesFailures: false,
  ...more,
});

let aws: LocalAws;
let client: DynamoDBClient;
let records: DynamoDBRecord[];
/** Where records go, in addition to `records`. */
let alsoTo: (record: DynamoDBRecord) => void;

beforeAll(async () => {
  aws = await startAws(0);
  const tables = [
    table('both', 'NEW_AND_OLD_IMAGES'),
    table('new', 'NEW_IMAGE'),
    table('old', 'OLD_IMAGE'),
    table('keys', 'KEYS_ONLY'),
    table('none'),
  ];
  await aws.dynamoDb.createTables(tables, (record) => {
    records.push(record);
    alsoTo(record);
  });
  client = new DynamoDBClient({
    endpoint: aws.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
});
afterAll(async () => {
  client.destroy();
  await aws.close();
});
beforeEach(() => {
  records = [];
  alsoTo = () => {};
});

const item = (id: string, n: number) => ({ id: { S: id }, n: { N: String(n) } });
const put = (TableName: string, id: string, n: number) =>
  client.send(new PutItemCommand({ TableName, Item: item(id, n) }));
const add = (TableName: string, id: string) =>
  client.send(
    new UpdateItemCommand({
      TableName,
      Key: { id: { S: id } },
      UpdateExpression: 'ADD n :one',
      ExpressionAttributeValues: { ':one': { N: '1' } },
    }),
  );

describe('stream records', () => {
  it("look as Lambda gives them, with the images of the table's stream", async () => {
    await put('both', 'a', 1);
    await add('both', 'a');
    await client.send(new DeleteItemCommand({ TableName: 'both', Key: { id: { S: 'a' } } }));
    await put('new', 'a', 1);

    const images = records.map(({ eventName, dynamodb }) => [eventName, dynamodb?.OldImage, dynamodb?.NewImage]);
    expect(images).toEqual([
      ['INSERT', undefined, item('a', 1)],
      ['MODIFY', item('a', 1), item('a', 2)],
      ['REMOVE', item('a', 2), undefined],
      ['INSERT', undefined, item('a', 1)],
    ]);
    expect(records[1]).toEqual({
      eventID: expect.stringMatching(/^[0-9a-f]{32}$/),
      eventName: 'MODIFY',
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: 'us-east-1',
      eventSourceARN: streamOf('both'),
      dynamodb: {
        ApproximateCreationDateTime: expect.any(Number),
        Keys: { id: { S: 'a' } },
        NewImage: item('a', 2),
        OldImage: item('a', 1),
        SequenceNumber: expect.stringMatching(/^\d{21}$/),
        SizeBytes: expect.any(Number),
        StreamViewType: 'NEW_AND_OLD_IMAGES',
      },
    });
    expect(records[3]?.dynamodb).toMatchObject({ Keys: { id: { S: 'a' } }, StreamViewType: 'NEW_IMAGE' });
  });

  it.each([
    ['new', { NewImage: item('view', 2) }],
    ['old', { OldImage: item('view', 1) }],
    ['keys', {}],
  ])('of the table `%s` have the images of its view type and no other', async (name, images) => {
    await put(name, 'view', 1);
    await add(name, 'view');
    const { OldImage, NewImage } = records.at(-1)?.dynamodb ?? {};
    expect({ ...(OldImage && { OldImage }), ...(NewImage && { NewImage }) }).toEqual(images);
    expect(records.map(({ eventName }) => eventName)).toEqual(['INSERT', 'MODIFY']);
  });

  it('state the time of a write in whole seconds', async () => {
    const beforeMs = Date.now();
    await put('both', 'when', 1);
    const second = records[0]?.dynamodb?.ApproximateCreationDateTime ?? 0;
    expect(Number.isInteger(second)).toBe(true);
    expect(second).toBeGreaterThanOrEqual(Math.floor(beforeMs / 1000));
    expect(second).toBeLessThanOrEqual(Date.now() / 1000);
  });

  it('exist for writes that changed something, and for no others', async () => {
    await put('both', 'b', 1);
    await put('both', 'b', 1);
    await put('none', 'b', 1);
    const refused = client.send(
      new PutItemCommand({ TableName: 'both', Item: item('b', 5), ConditionExpression: 'attribute_not_exists(id)' }),
    );
    await expect(refused).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
    const malformed = client.send(new PutItemCommand({ TableName: 'both', Item: { n: { N: '1' } } }));
    await expect(malformed).rejects.toMatchObject({ name: 'ValidationException' });
    await client.send(new DeleteItemCommand({ TableName: 'both', Key: { id: { S: 'not there' } } }));
    expect(records.map(({ eventName }) => eventName)).toEqual(['INSERT']);
  });

  it('of an item with many concurrent writers form a chain without a gap', async () => {
    await Promise.all(Array.from({ length: 20 }, (_none, index) => add('both', `c${index % 2}`)));
    for (const id of ['c0', 'c1']) {
      const own = records.filter(({ dynamodb }) => dynamodb?.Keys?.['id']?.S === id);
      expect(own.map(({ dynamodb }) => dynamodb?.NewImage?.['n']?.N)).toEqual(words('1 2 3 4 5 6 7 8 9 10'));
      expect(own.slice(1).map(({ dynamodb }) => dynamodb?.OldImage)).toEqual(
        own.slice(0, -1).map(({ dynamodb }) => dynamodb?.NewImage),
      );
    }
    const numbers = records.map(({ dynamodb }) => dynamodb?.SequenceNumber ?? '');
    expect(numbers).toEqual([...new Set(numbers)].sort());
  });

  it('cannot be made from a write of many items, which is refused', async () => {
    const many = new BatchWriteItemCommand({ RequestItems: { both: [{ PutRequest: { Item: item('d', 1) } }] } });
    await expect(client.send(many)).rejects.toThrow('creates no stream records for BatchWriteItem');
    const together = new TransactWriteItemsCommand({
      TransactItems: [{ Put: { TableName: 'both', Item: item('d', 1) } }],
    });
    await expect(client.send(together)).rejects.toThrow('creates no stream records for TransactWriteItems');
    await client.send(new BatchWriteItemCommand({ RequestItems: { none: [{ PutRequest: { Item: item('d', 1) } }] } }));
    expect(records).toEqual([]);
  });
});

/** A record of the table `both` with this `n`. */
const recordOf = (n: number, more: object = {}): DynamoDBRecord => ({
  eventName: 'INSERT',
  eventSourceARN: streamOf('both'),
  dynamodb: { SequenceNumber: String(n), NewImage: item('x', n), ...more },
});
/** A record of an item with this id. */
const recordAbout = (id: string): DynamoDBRecord => ({
  eventSourceARN: streamOf('both'),
  dynamodb: { Keys: { id: { S: id } } },
});
const numbersIn = ({ Records }: DynamoDBStreamEvent) =>
  Records.map(({ dynamodb }) => Number(dynamodb?.NewImage?.['n']?.N));
const idsIn = ({ Records }: DynamoDBStreamEvent) => Records.map(({ dynamodb }) => dynamodb?.Keys?.['id']?.S ?? '');

type Feed = ReturnType<typeof streamFeed>;
/** Offers records, waits until they are delivered, and closes the feed. */
const deliver = async (feed: Feed, ...offered: readonly DynamoDBRecord[]): Promise<void> => {
  for (const record of offered) feed.offer(record);
  await feed.idle();
  await feed.close();
};

describe('an event source mapping', () => {
  /** A feed of one mapping, and the numbers of each batch that it tried. */
  const tracked = (more: Partial<MappingSpec>, answer: (numbers: number[], tries: number) => unknown) => {
    const tried: number[][] = [];
    const feed = streamFeed([mapping(more)], async (_name, event) => {
      tried.push(numbersIn(event));
      return answer(numbersIn(event), tried.length);
    });
    return { feed, tried };
  };

  it('delivers what arrived meanwhile as one batch, in order, up to its maximum size', async () => {
    const allWritten = Promise.withResolvers<void>();
    const { feed, tried } = tracked({ batchSize: 3 }, () => allWritten.promise);
    alsoTo = feed.offer;
    for (let count = 0; count < 6; count += 1) await add('both', 'e');
    allWritten.resolve();
    await deliver(feed);
    expect(tried).toEqual([[1], [2, 3, 4], [5, 6]]);
  });

  it('retries until the function accepts the records, and splits a batch that fails', async () => {
    const taken: number[] = [];
    let failuresLeft = 2;
    const { feed, tried } = tracked({}, (numbers) => {
      if (numbers.includes(3) && failuresLeft > 0) {
        failuresLeft -= 1;
        throw new Error('no');
      }
      taken.push(...numbers);
    });
    await deliver(feed, ...[1, 2, 3, 4, 5, 6, 7].map((n) => recordOf(n)));
    expect(taken).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(tried).toEqual([[1], [2, 3, 4, 5, 6, 7], [2, 3, 4], [2, 3], [4], [5, 6, 7]]);
  });

  it.each([
    ['that fails, if the mapping does not split', { bisect: false }, new Error('no')],
    ['that no function has seen', { bisect: true }, new ThrottledError('audit', 1)],
  ])('resends a whole batch %s', async (_name, more, failure) => {
    const { feed, tried } = tracked(more, (_numbers, tries) => {
      if (tries === 2) throw failure;
    });
    await deliver(feed, recordOf(1), recordOf(2), recordOf(3));
    expect(tried).toEqual([[1], [2, 3], [2, 3]]);
  });

  it('resends from the first record that a function names, and all if it names another', async () => {
    const answers = [[], ['4', '3'], [], ['9'], []];
    const { feed, tried } = tracked({ namesFailures: true }, (_numbers, tries) => ({
      batchItemFailures: answers[tries - 1]?.map((itemIdentifier) => ({ itemIdentifier })) ?? [],
    }));
    for (const n of [1, 2, 3, 4]) feed.offer(recordOf(n));
    await feed.idle();
    await deliver(feed, recordOf(5));
    expect(tried).toEqual([[1], [2, 3, 4], [3, 4], [5], [5]]);
  });

  it('delivers a stream to each function that reads it, and only what its filters admit', async () => {
    const got: Record<string, string[]> = { all: [], some: [], other: [] };
    const pattern = '{"eventName":["INSERT","MODIFY"],"dynamodb":{"NewImage":{"n":{"N":["2",{"prefix":"7"}]}}}}';
    const mappings = [
      mapping({ functionName: 'all' }),
      mapping({ functionName: 'some', filters: [pattern] }),
      mapping({ functionName: 'other', streamArn: streamOf('new') }),
    ];
    const feed = streamFeed(mappings, async (name, event) => {
      got[name]?.push(...event.Records.map(({ dynamodb }) => dynamodb?.NewImage?.['n']?.N ?? 'removed'));
    });
    await deliver(feed, ...[1, 2, 3, 71].map((n) => recordOf(n)));
    expect(got).toEqual({ all: ['1', '2', '3', '71'], some: ['2', '71'], other: [] });
  });

  it('gives each batch again after success, and the shards of a stream side by side, if it is asked to', async () => {
    const tried: string[] = [];
    const together = Promise.withResolvers<void>();
    let running = 0;
    const feed = streamFeed(
      [mapping()],
      async (_name, event) => {
        running += 1;
        tried.push(idsIn(event).join(''));
        // Neither shard ends its first batch before both have begun.
        if (running === 2) together.resolve();
        await together.promise;
      },
      undefined,
      undefined,
      { twice: true, shards: 2 },
    );
    const ids = words('a b c d e f g h');
    await deliver(feed, ...[...ids, ...ids].map(recordAbout));

    for (const id of ids) {
      const batches = tried.filter((batch) => batch.includes(id));
      expect([id, batches.join('').replaceAll(new RegExp(`[^${id}]`, 'g'), '')]).toEqual([id, id.repeat(4)]);
    }
  });

  it('delivers all again that it has delivered, in order and before what is new, if it is rewound', async () => {
    const got: string[] = [];
    const take = async (_name: string, event: DynamoDBStreamEvent) => void got.push(...idsIn(event));
    const feed = streamFeed([mapping()], take, undefined, undefined, { rewinds: true });
    for (const id of words('a b c')) feed.offer(recordAbout(id));
    await feed.idle();

    feed.pause();
    feed.offer(recordAbout('d'));
    feed.rewind();
    feed.resume();
    await deliver(feed, recordAbout('e'));

    expect(got.join('')).toBe('abcabcde');
  });

  it('keeps its records while paused, and delivers them in order afterwards', async () => {
    const delivered: string[] = [];
    const feed = streamFeed([mapping()], async (_name, event) => void delivered.push(...idsIn(event)));
    feed.offer(recordAbout('before'));
    await feed.idle();
    feed.pause();
    for (const id of ['first', 'second']) feed.offer(recordAbout(id));
    await feed.idle();
    expect(delivered).toEqual(['before']);

    feed.resume();
    await deliver(feed, recordAbout('after'));
    expect(delivered).toEqual(['before', 'first', 'second', 'after']);
  });

  it('that is paused during a delivery finishes it, and begins no other', async () => {
    const { feed, tried } = tracked({}, () => feed.pause());
    for (const n of [1, 2]) feed.offer(recordOf(n));
    await feed.idle();
    expect(tried).toEqual([[1]]);
    feed.resume();
    await deliver(feed);
    expect(tried).toEqual([[1], [2]]);
  });

  it('waits twice as long before each try, and never over five seconds', async () => {
    const pausesMs: number[] = [];
    let failuresLeft = 10;
    const feed = streamFeed(
      [mapping()],
      async () => {
        failuresLeft -= 1;
        if (failuresLeft >= 0) throw new Error('no');
      },
      async (ms) => void pausesMs.push(ms),
    );
    await deliver(feed, recordOf(1));
    expect(pausesMs).toEqual([50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
  });

  // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html: "data in DynamoDB Streams … 24-hour lifetime"
  it('loses what nobody took within 24 hours, and goes on with what came later', async () => {
    const at = 1_800_000_000;
    let now = at;
    const tried: number[][] = [];
    const feed = streamFeed(
      [mapping({ bisect: false })],
      async (_name, event) => {
        tried.push(numbersIn(event));
        if (numbersIn(event).includes(1)) throw new Error('no');
      },
      async () => void (now += 43_000),
      () => now * 1000,
    );
    const written = (n: number, seconds: number) => recordOf(n, { ApproximateCreationDateTime: seconds });
    await deliver(feed, written(1, at), written(2, at + 50_000));
    expect(tried).toEqual([[1], [1], [1], [2]]);
  });

  it('names a filter rule that it does not support', () => {
    const numeric = mapping({ filters: ['{"a":[{"numeric":[">",1]}]}'] });
    expect(() => streamFeed([numeric], async () => {})).toThrow('no filter rule {"numeric":[">",1]}');
  });

  it('stops when the stack closes, and tells those who wait', async () => {
    let tries = 0;
    const feed = streamFeed([mapping()], async () => {
      tries += 1;
      throw new Error('never');
    });
    feed.offer(recordOf(1));
    const waiting = expect(feed.idle()).rejects.toThrow('closed before audit had every record');
    await eventually(() => tries > 1);
    await feed.close();
    await waiting;
  });

  it("calls a function's process, even after it has crashed", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'p2p-streams-test-'));
    await mkdir(join(folder, 'audit'));
    const seen = join(folder, 'seen');
    const source = `
      const { appendFileSync, existsSync } = require('node:fs');
      exports.handler = async ({ Records }) => {
        for (const { dynamodb } of Records) {
          if (dynamodb.NewImage.n.N === '2' && !existsSync(process.env.SEEN + '.crashed')) {
            appendFileSync(process.env.SEEN + '.crashed', '');
            process.exit(1);
          }
          appendFileSync(process.env.SEEN, dynamodb.NewImage.n.N + ' ');
        }
      };`;
    await writeFile(join(folder, 'audit', 'index.js'), source);
    const spec = {
      name: 'audit',
      physicalName: 'audit',
      assetDir: join(folder, 'audit'),
      handler: 'index.handler',
      environment: { SEEN: seen },
      timeoutMs: 300_000,
      memoryMb: 128,
      logGroup: 'audit',
    };
    const socketPath = join(folder, 'socket');
    const audit = await startFunction(spec, { socketPath, awsEndpoint: aws.url, onLog: () => {}, lazy: true });
    const feed = streamFeed([mapping()], (_name, event) => invokeDirectly(audit, event));
    alsoTo = feed.offer;
    try {
      for (let count = 0; count < 3; count += 1) await add('both', 'f');
      await feed.idle();
      expect((await readFile(seen, 'utf8')).trim().split(' ')).toEqual(['1', '2', '3']);
    } finally {
      await Promise.all([feed.close(), audit.close()]);
      await rm(folder, { recursive: true, force: true });
    }
  });
});
