import {
  CreateTableCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  PutItemCommand,
  ScanCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import type { World } from './world.ts';

export type Item = Record<string, AttributeValue>;

/** All items of a table. */
export const itemsOf = async ({ dynamo }: World, TableName: string): Promise<Item[]> => {
  const items: Item[] = [];
  let from: Item | undefined;
  do {
    const page = await dynamo.send(
      new ScanCommand({ TableName, ConsistentRead: true, ...(from === undefined ? {} : { ExclusiveStartKey: from }) }),
    );
    items.push(...(page.Items ?? []));
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  return items;
};

export const put = async ({ dynamo }: World, TableName: string, item: Item): Promise<void> => {
  await dynamo.send(new PutItemCommand({ TableName, Item: item }));
};

/**
 * Copies a table into one of another name: what point-in-time recovery leaves behind, which the local DynamoDB does not
 * have.
 */
export const copyTable = async (world: World, name: string): Promise<string> => {
  const { dynamo } = world;
  const copy = `restored-${name}`;
  const { Table: table } = await dynamo.send(new DescribeTableCommand({ TableName: name }));
  const { KeySchema, AttributeDefinitions = [] } = table ?? {};
  const keys = new Set((KeySchema ?? []).map(({ AttributeName }) => AttributeName));
  await dynamo.send(
    new CreateTableCommand({
      TableName: copy,
      KeySchema,
      AttributeDefinitions: AttributeDefinitions.filter(({ AttributeName }) => keys.has(AttributeName)),
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  for (const item of await itemsOf(world, name)) await put(world, copy, item);
  return copy;
};

/** Deletes items by their key attribute. */
export const deleteItems = async ({ dynamo }: World, TableName: string, key: string, items: readonly Item[]) => {
  for (const { [key]: value } of items) {
    if (value !== undefined) await dynamo.send(new DeleteItemCommand({ TableName, Key: { [key]: value } }));
  }
};
