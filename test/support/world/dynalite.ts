import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { callDynalite, createTable, type DynaliteAnswer } from '../../../sandbox/aws/call-dynalite.ts';
import { close, listen } from '../../../sandbox/aws/listen.ts';
import { sortKeyOf, tableKeys, tableNames, type TableName } from './deps.ts';

type Item = Readonly<Record<string, { readonly S?: string; readonly N?: string; readonly B?: string }>>;

/** The physical names of one world's tables. */
export type TableNames = Readonly<Record<TableName, string>>;

/** A DynamoDB that really evaluates conditions, for many worlds. */
export interface Dynamo {
  readonly url: string;
  /** A client of it, without a socket. */
  readonly client: DynamoDBClient;
  readonly forward: (body: Buffer, headers: Readonly<Record<string, string>>) => Promise<DynaliteAnswer>;
  /** Makes a table, and waits until it can be used: until then DynamoDB does not know it. */
  readonly createTable: (table: Readonly<Record<string, unknown>>) => Promise<void>;
  /** Makes tables that no other world uses, named `Grants.7`. */
  readonly createTables: () => Promise<TableNames>;
  /** Puts an item in DynamoDB's JSON. */
  readonly put: (table: string, item: object) => Promise<void>;
  /** All items of a table in DynamoDB's JSON. */
  readonly items: (table: string) => Promise<readonly Item[]>;
  readonly close: () => Promise<void>;
}

/** No one checks the signature, but it must exist. */
const signed = {
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-date': '20260101T000000Z',
  authorization:
    'AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
};

/** A request as the SDK has serialized it. */
interface Serialized {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/**
 * What a client needs to hand its requests to dynalite itself. Over HTTP a call takes twice as long, and on a busy
 * machine longer than the code under test waits.
 */
const withoutSocket = (forward: Dynamo['forward']): DynamoDBClientConfig => ({
  signer: { sign: async (request) => request },
  requestHandler: {
    handle: async ({ headers, body }: Serialized) => {
      const target = headers['x-amz-target'] ?? '';
      const { status, ...answer } = await forward(Buffer.copyBytesFrom(body), { ...signed, 'x-amz-target': target });
      return { response: { statusCode: status, ...answer } };
    },
  },
});

/** Starts dynalite. */
export const startDynamo = async (): Promise<Dynamo> => {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  const url = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`;
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const forward: Dynamo['forward'] = (body, headers) => callDynalite(server, body, headers);
  const client = new DynamoDBClient({
    endpoint: url,
    region: 'eu-central-1',
    credentials,
    ...withoutSocket(forward),
  });
  const call = async (operation: string, parameters: object): Promise<{ Items?: readonly Item[] }> => {
    const headers = { ...signed, 'x-amz-target': `DynamoDB_20120810.${operation}` };
    const { status, body } = await forward(Buffer.from(JSON.stringify(parameters)), headers);
    if (status !== 200) throw new Error(`dynalite refused ${operation}: ${body.toString()}`);
    return JSON.parse(body.toString()) as { Items?: readonly Item[] };
  };
  let worlds = 0;
  return {
    url,
    client,
    forward,
    createTable: (table) => createTable(call, table),
    createTables: async () => {
      const world = (worlds += 1);
      const named = tableNames.map((table) => [table, `${table}.${world}`] as const);
      for (const [table, TableName] of named) {
        await createTable(call, {
          TableName,
          KeySchema: [
            { AttributeName: tableKeys[table], KeyType: 'HASH' },
            ...sortKeyOf(table).map((AttributeName) => ({ AttributeName, KeyType: 'RANGE' })),
          ],
          AttributeDefinitions: [tableKeys[table], ...sortKeyOf(table)].map((AttributeName) => ({
            AttributeName,
            AttributeType: 'S',
          })),
          BillingMode: 'PAY_PER_REQUEST',
        });
      }
      return Object.fromEntries(named) as TableNames;
    },
    put: async (table, item) => void (await call('PutItem', { TableName: table, Item: item })),
    items: async (table) => (await call('Scan', { TableName: table, ConsistentRead: true })).Items ?? [],
    close: async () => {
      client.destroy();
      await close(server);
    },
  };
};
