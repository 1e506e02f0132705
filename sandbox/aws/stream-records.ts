import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { DynamoDBRecord } from 'aws-lambda';
import { region } from './intrinsics.ts';
import { jsonError, type AwsAnswer, type AwsRequest } from './service.ts';
import type { TableSpec } from './template-data.ts';

/** Calls an operation as a caller that is not a function. @throws Error if DynamoDB refuses */
export type CallDynamoDb = (operation: string, parameters: object) => Promise<Readonly<Record<string, unknown>>>;

/** Gets each record before the writer gets its answer. Records of an item arrive in the order of its writes. */
export type RecordSink = (record: DynamoDBRecord) => void;

type Item = NonNullable<NonNullable<DynamoDBRecord['dynamodb']>['NewImage']>;
interface StreamTable extends TableSpec {
  readonly stream: NonNullable<TableSpec['stream']>;
  readonly sink: RecordSink;
}

/** A write to one item of a table with a stream. */
interface Write {
  readonly table: StreamTable;
  readonly key: Item;
}

const singleWrites = new Set(['PutItem', 'UpdateItem', 'DeleteItem']);
const manyWrites = new Set(['BatchWriteItem', 'TransactWriteItems', 'ExecuteStatement', 'BatchExecuteStatement']);

/** Runs calls with the same name one at a time, in order. */
const inTurn = (): (<T>(name: string, run: () => Promise<T>) => Promise<T>) => {
  const last = new Map<string, Promise<unknown>>();
  return async (name, run) => {
    const before = last.get(name) ?? Promise.resolve();
    const mine = before.then(run);
    const ended = mine.catch(() => {});
    last.set(name, ended);
    try {
      return await mine;
    } finally {
      if (last.get(name) === ended) last.delete(name);
    }
  };
};

const operationOf = ({ headers }: AwsRequest): string => String(headers['x-amz-target']).split('.')[1] ?? '';

/** The written item; `undefined` if DynamoDB will refuse the request, or if the table has no stream. */
const writeOf = (request: AwsRequest, tables: ReadonlyMap<string, StreamTable>): Write | undefined => {
  try {
    const { TableName, Key, Item } = JSON.parse(request.body.toString()) as Record<string, unknown>;
    const table = tables.get(String(TableName));
    const from = (operationOf(request) === 'PutItem' ? Item : Key) as Item | undefined;
    if (table === undefined || from === undefined) return undefined;
    const names = table.keySchema.map(({ AttributeName }) => AttributeName);
    return { table, key: Object.fromEntries(names.map((name) => [name, from[name]])) as Item };
  } catch {
    return undefined;
  }
};

/** Increasing numbers of equal length, which a consumer may compare as text or as numbers. */
const sequence = (): (() => string) => {
  let count = 0;
  return () => `1${String((count += 1)).padStart(20, '0')}`;
};

interface Images {
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

const recordOf = ({ table, key }: Write, { before, after }: Images, sequenceNumber: string): DynamoDBRecord => {
  const { viewType, arn } = table.stream;
  const newImage = after !== undefined && viewType.startsWith('NEW_') ? { NewImage: after } : {};
  const oldImage = before !== undefined && /OLD_IMAGES?$/.test(viewType) ? { OldImage: before } : {};
  const images = { Keys: key, ...newImage, ...oldImage };
  return {
    eventID: randomBytes(16).toString('hex'),
    eventName: before === undefined ? 'INSERT' : after === undefined ? 'REMOVE' : 'MODIFY',
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: region,
    dynamodb: {
      ApproximateCreationDateTime: Math.floor(Date.now() / 1000),
      ...images,
      SequenceNumber: sequenceNumber,
      SizeBytes: Buffer.byteLength(JSON.stringify(images)),
      StreamViewType: viewType,
    },
    eventSourceARN: arn,
  };
};

/**
 * Creates stream records for an embedded DynamoDB that has none. Writes to one item run one at a time, so consistent
 * reads before and after a write see exactly what that write changed.
 */
export const writesWithRecords = (
  call: CallDynamoDb,
): {
  /** Creates records from now on, if the table has a stream. */
  readonly watch: (table: TableSpec, sink: RecordSink) => void;
  /** Runs a request, and passes on a record of what it changed. */
  readonly around: (request: AwsRequest, run: () => Promise<AwsAnswer>) => Promise<AwsAnswer>;
} => {
  const tables = new Map<string, StreamTable>();
  const takeTurn = inTurn();
  const nextNumber = sequence();

  const read = async ({ table, key }: Write): Promise<Item | undefined> => {
    const answer = await call('GetItem', { TableName: table.physicalName, Key: key, ConsistentRead: true });
    return answer['Item'] as Item | undefined;
  };
  const recorded = async (write: Write, run: () => Promise<AwsAnswer>): Promise<AwsAnswer> => {
    // The read fails if the key is invalid. DynamoDB then refuses the write and says why.
    const before = await read(write).catch(() => undefined);
    const answer = await run();
    if (answer.status !== 200) return answer;
    const after = await read(write);
    // A write that changes nothing creates no record, as in AWS.
    if (!isDeepStrictEqual(before, after)) write.table.sink(recordOf(write, { before, after }, nextNumber()));
    return answer;
  };

  return {
    watch: (table, sink) => {
      const { stream } = table;
      if (stream !== undefined) tables.set(table.physicalName, { ...table, stream, sink });
    },
    around: async (request, run) => {
      const operation = operationOf(request);
      if (manyWrites.has(operation) && [...tables.keys()].some((name) => request.body.includes(name))) {
        return jsonError('ValidationException', `The local stack creates no stream records for ${operation}`);
      }
      const write = singleWrites.has(operation) ? writeOf(request, tables) : undefined;
      if (write === undefined) return run();
      return takeTurn(JSON.stringify([write.table.physicalName, write.key]), () => recorded(write, run));
    },
  };
};
