import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { region } from './intrinsics.ts';
import { close, listen } from './listen.ts';
import type { TableSpec } from './template.ts';

/** An embedded DynamoDB. Nothing is kept when it stops. */
export interface LocalDynamoDb {
  readonly endpoint: string;
  readonly createTables: (tables: readonly TableSpec[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Starts DynamoDB on a free port. It has no TTL: expired items stay readable, as they do for hours in AWS. */
export const startDynamoDb = async (): Promise<LocalDynamoDb> => {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  const endpoint = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`;

  const createTables = async (tables: readonly TableSpec[]): Promise<void> => {
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const client = new DynamoDBClient({ endpoint, region, credentials });
    for (const table of tables) {
      await client.send(
        new CreateTableCommand({
          TableName: table.physicalName,
          KeySchema: [...table.keySchema],
          AttributeDefinitions: [...table.attributeDefinitions],
          BillingMode: 'PAY_PER_REQUEST',
        }),
      );
    }
    client.destroy();
  };

  return { endpoint, createTables, close: () => close(server) };
};
