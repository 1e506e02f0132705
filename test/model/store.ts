import {
  CreateTableCommand,
  DeleteItemCommand,
  DynamoDBClient,
  ScanCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { close, listen } from '../../sandbox/aws/listen.ts';
import { memoryDynamo } from '../support/memory-dynamo.ts';

const keys = {
  LoginAttempts: 'stateHash',
  Grants: 'grantId',
  AuditEvents: 'eventId',
  Limits: 'limitId',
  Registry: 'entryId',
} as const;
type TableName = keyof typeof keys;
const tables = Object.keys(keys) as TableName[];

/** The tables, however they are stored. */
export interface Store {
  readonly client: DynamoDBClient;
  /** Removes what has expired, as DynamoDB's TTL eventually does. */
  readonly removeExpired: (now: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

const isExpired = (item: Record<string, AttributeValue>, now: number): boolean => Number(item['expiresAt']?.N) <= now;

/** DynamoDB's protocol over HTTP, in this process. */
const dynaliteStore = async (): Promise<Store> => {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  const port = await listen(server, 0, '127.0.0.1');
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint: `http://127.0.0.1:${port}`, region: 'eu-central-1', credentials });
  for (const [TableName, key] of Object.entries(keys)) {
    await client.send(
      new CreateTableCommand({
        TableName,
        KeySchema: [{ AttributeName: key, KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: key, AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
  }
  const removeFrom = async (TableName: TableName, now: number): Promise<void> => {
    const { Items = [] } = await client.send(new ScanCommand({ TableName }));
    for (const item of Items) {
      const key = item[keys[TableName]];
      if (key === undefined || !isExpired(item, now)) continue;
      await client.send(new DeleteItemCommand({ TableName, Key: { [keys[TableName]]: key } }));
    }
  };
  return {
    client,
    removeExpired: async (now) => {
      for (const table of tables) await removeFrom(table, now);
    },
    close: async () => {
      client.destroy();
      await close(server);
    },
  };
};

/** The same in memory: ten times faster, and only as correct as its own evaluation of conditions. */
const memoryStore = async (): Promise<Store> => {
  const memory = memoryDynamo();
  return {
    client: memory.client,
    removeExpired: async (now) => {
      memory.forget();
      for (const table of tables) {
        const items = memory.items(table);
        for (const [key, item] of items) if (isExpired(item, now)) items.delete(key);
      }
    },
    close: async () => {},
  };
};

/** By the names that `--store` accepts. */
export const stores = { dynalite: dynaliteStore, memory: memoryStore };
export type StoreName = keyof typeof stores;
