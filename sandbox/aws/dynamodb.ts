import dynalite from 'dynalite';
import { Level } from 'level';
import { unusable } from '../state/local-state.ts';
import { callDynalite, createTable } from './call-dynalite.ts';
import { region } from './intrinsics.ts';
import type { LocalKms } from './kms.ts';
import { close, listen } from './listen.ts';
import { jsonError, type AwsAnswer, type AwsService } from './service.ts';
import { writesWithRecords, type CallDynamoDb, type RecordSink } from './stream-records.ts';
import { refuseDisabledKey, refuseKey, withoutKey } from './table-key.ts';
import { refuseRequest, type TableRights } from './table-rights.ts';
import type { TableSpec } from './template-data.ts';

/** An embedded DynamoDB. Without a folder, it loses everything when it stops. */
export interface LocalDynamoDb {
  readonly service: AwsService;
  /**
   * Creates tables, except those that were kept. The sink gets a record for each write to a table with a stream.
   * @param emptied names of tables that begin empty all the same
   * @throws LocalStackError if a kept table has another schema, and Error if CloudFormation may not use a table's key
   */
  readonly createTables: (tables: readonly TableSpec[], sink: RecordSink, emptied?: readonly string[]) => Promise<void>;
  /** Limits functions to what their roles allow. Until then they may do everything. */
  readonly allowOnly: (rights: TableRights) => void;
  readonly close: () => Promise<void>;
}

/** The signature is required but not checked. */
const ownHeaders = {
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-date': '20260101T000000Z',
  authorization: `AWS4-HMAC-SHA256 Credential=local/20260101/${region}/dynamodb/aws4_request, SignedHeaders=host, Signature=0`,
};
const expressionBytes = 4096;

/**
 * What DynamoDB refuses and dynalite does not: an expression over 4 KB
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html), and a strongly consistent scan of an
 * index (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html).
 */
const refusalOf = (body: Buffer): string | undefined => {
  // Few requests are that long or about an index, and only those are parsed.
  if (body.length <= expressionBytes && !body.includes('"IndexName"')) return undefined;
  try {
    const parameters = JSON.parse(body.toString()) as Readonly<Record<string, unknown>>;
    if (parameters['IndexName'] !== undefined && parameters['ConsistentRead'] === true) {
      return 'Consistent reads are not supported on global secondary indexes';
    }
    for (const [name, text] of Object.entries(parameters)) {
      const size = name.endsWith('Expression') && typeof text === 'string' ? Buffer.byteLength(text) : 0;
      if (size > expressionBytes) {
        return `Invalid ${name}: Expression size has exceeded the maximum allowed size; expression size: ${size}`;
      }
    }
    return undefined;
  } catch {
    // Not JSON. DynamoDB reports that itself.
    return undefined;
  }
};

const schemaOf = (table: TableSpec) => ({
  KeySchema: table.keySchema,
  AttributeDefinitions: table.attributeDefinitions,
  BillingMode: 'PAY_PER_REQUEST',
  ...(table.indexes === undefined ? {} : { GlobalSecondaryIndexes: table.indexes }),
});

/** A schema as text, whatever the order of its attributes. */
const schemaText = (described: Readonly<Record<string, unknown>>): string => {
  const { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes = [] } = described as unknown as TableSchema;
  return JSON.stringify([
    KeySchema,
    AttributeDefinitions.map(({ AttributeName, AttributeType }) => `${AttributeName} ${AttributeType}`).sort(),
    GlobalSecondaryIndexes.map(({ IndexName, KeySchema: key }) => [IndexName, key]),
  ]);
};

interface TableSchema {
  readonly KeySchema: TableSpec['keySchema'];
  readonly AttributeDefinitions: TableSpec['attributeDefinitions'];
  readonly GlobalSecondaryIndexes?: readonly { readonly IndexName: string; readonly KeySchema: object }[];
}

/** dynalite would throw a store's damage out of reach of everyone. @throws LocalStackError if the folder is no store */
const requireStore = async (folder: string): Promise<void> => {
  const store = new Level(folder);
  try {
    await store.open();
  } catch (error) {
    const { message, cause = { message } } = error as Error & { cause?: { message: string } };
    throw unusable(folder, `can't be read (${cause.message})`);
  } finally {
    await store.close();
  }
};

/**
 * Starts DynamoDB behind the AWS endpoint. It has no TTL, so expired items stay readable, as they do for hours in AWS.
 * @param kms is asked who may encrypt a table with a key, and whether it is disabled
 * @param folder keeps the tables; without one they are in memory
 */
export const startDynamoDb = async (
  kms: Pick<LocalKms, 'refuse' | 'isDisabled'>,
  folder?: string,
): Promise<LocalDynamoDb> => {
  if (folder !== undefined) await requireStore(folder);
  const where = folder === undefined ? {} : { path: folder };
  const server = dynalite({ ...where, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  // A server that does not listen would not close its store.
  await listen(server, 0, '127.0.0.1');
  const underWay = new Set<Promise<AwsAnswer>>();
  let stopped = false;

  const forward = async (body: Buffer, headers: Readonly<Record<string, string>>): Promise<AwsAnswer> => {
    if (stopped) throw new Error('DynamoDB was stopped');
    const answer = callDynalite(server, body, headers);
    underWay.add(answer);
    return answer.finally(() => underWay.delete(answer));
  };
  const call: CallDynamoDb = async (operation, parameters) => {
    const headers = { ...ownHeaders, 'x-amz-target': `DynamoDB_20120810.${operation}` };
    const { status, body } = await forward(Buffer.from(JSON.stringify(parameters)), headers);
    if (status !== 200) throw new Error(`DynamoDB refused ${operation}: ${body.toString()}`);
    return JSON.parse(body.toString()) as Record<string, unknown>;
  };
  const writes = writesWithRecords(call);
  const made = new Map<string, TableSpec>();
  let rights: TableRights = new Map();

  const service: AwsService = (received) => {
    const refusal = refuseRequest(received, rights, made) ?? refuseDisabledKey(received, made.values(), kms);
    if (refusal !== undefined) return refusal;
    const request = withoutKey(received, kms);
    if ('status' in request) return request;
    const { headers, body } = request;
    const problem = refusalOf(body);
    if (problem !== undefined) return jsonError('ValidationException', problem);
    const sent = Object.fromEntries(
      Object.entries(headers).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
    );
    return writes.around(request, () => forward(body, { ...sent, 'content-length': String(body.length) }));
  };

  const requireSameSchema = async ({ physicalName: TableName, ...table }: TableSpec): Promise<void> => {
    const { Table } = await call('DescribeTable', { TableName });
    const described = Table as Readonly<Record<string, unknown>>;
    // A process that was killed early may have left a table half made.
    const isWhole = described['TableStatus'] === 'ACTIVE';
    const isSame = schemaText(described) === schemaText(schemaOf({ physicalName: TableName, ...table }));
    if (!isWhole || !isSame) throw unusable(folder ?? '', `has a table ${TableName} of another version`);
  };
  /** Deletes items, not the table: a table that is being deleted when the process is killed could not be used again. */
  const empty = async (table: Pick<TableSpec, 'physicalName' | 'keySchema'>): Promise<void> => {
    const { physicalName: TableName, keySchema } = table;
    const { Items } = (await call('Scan', { TableName })) as { Items: readonly Readonly<Record<string, unknown>>[] };
    for (const item of Items) {
      const Key = Object.fromEntries(keySchema.map(({ AttributeName }) => [AttributeName, item[AttributeName]]));
      await call('DeleteItem', { TableName, Key });
    }
    // A scan ends after one megabyte.
    if (Items.length > 0) await empty(table);
  };
  const createTables: LocalDynamoDb['createTables'] = async (tables, sink, emptied = []) => {
    const { TableNames: kept } = (await call('ListTables', {})) as { TableNames: readonly string[] };
    for (const table of tables) {
      const { physicalName: TableName, keyArn } = table;
      const refusal = keyArn === undefined ? undefined : refuseKey(kms, 'cloudformation', keyArn);
      if (refusal !== undefined) throw new Error(`${TableName}: ${refusal}`);
      if (!kept.includes(TableName)) await createTable(call, { TableName, ...schemaOf(table) });
      else {
        await requireSameSchema(table);
        if (emptied.includes(table.name)) await empty(table);
      }
      made.set(TableName, table);
      writes.watch(table, sink);
    }
  };

  const stop = async (): Promise<void> => {
    stopped = true;
    // dynalite throws, out of reach of everyone, if its store closes while it is at work on a request.
    await Promise.allSettled(underWay);
    await close(server);
  };
  return { service, createTables, allowOnly: (limit) => void (rights = limit), close: stop };
};
