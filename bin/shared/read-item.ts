import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import type { Table } from '../../functions/shared/store/dynamo.ts';
import type { Item } from '../../functions/shared/store/items.ts';
import { patiently, type Wait } from './patience.ts';

/** Reads an item by its key, strongly consistent. @throws whatever DynamoDB throws */
export const readItem = async (
  { client, name, wait }: Table & { readonly wait: Wait },
  key: Item,
): Promise<Item | undefined> => {
  const { Item: item } = await patiently(wait, () =>
    client.send(new GetItemCommand({ TableName: name, Key: key, ConsistentRead: true })),
  );
  return item;
};
