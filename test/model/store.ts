import { DeleteItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { memoryDynamo } from '../support/memory-dynamo.ts';
import { memoryTables, sortKeyOf, tableKeys, tableNames } from '../support/world/deps.ts';
import { startDynamo, type TableNames } from '../support/world/dynalite.ts';

/** The tables, however they are stored. */
export interface Store {
  readonly client: DynamoDBClient;
  readonly tables: TableNames;
  /** Removes what has expired, as DynamoDB's TTL eventually does. */
  readonly removeExpired: (now: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

type Expiring = Readonly<Record<string, { readonly N?: string } | undefined>>;
const isExpired = (item: Expiring, now: number): boolean => Number(item['expiresAt']?.N) <= now;

/** DynamoDB's protocol, in this process. */
const dynaliteStore = async (): Promise<Store> => {
  const { client, createTables, items, close } = await startDynamo();
  const tables = await createTables();
  return {
    client,
    tables,
    removeExpired: async (now) => {
      for (const table of tableNames) {
        const [TableName, keys] = [tables[table], [tableKeys[table], ...sortKeyOf(table)]];
        for (const item of await items(TableName)) {
          const Key = Object.fromEntries(keys.map((key) => [key, { S: item[key]?.S ?? '' }]));
          if (isExpired(item, now)) await client.send(new DeleteItemCommand({ TableName, Key }));
        }
      }
    },
    close,
  };
};

/** The same in memory: ten times faster, and only as correct as its own evaluation of conditions. */
const memoryStore = async (): Promise<Store> => {
  const memory = memoryDynamo();
  return {
    client: memory.client,
    tables: memoryTables,
    removeExpired: async (now) => {
      memory.forget();
      for (const table of tableNames) {
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
