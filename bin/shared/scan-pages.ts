import { ScanCommand, type ScanCommandInput } from '@aws-sdk/client-dynamodb';
import type { Table } from '../../functions/shared/store/dynamo.ts';
import type { Item } from '../../functions/shared/store/items.ts';
import { patiently, type Wait } from './patience.ts';

/** A page of a scan, and how many items were read for it. */
interface Page {
  readonly items: readonly Item[];
  readonly read: number;
}

/**
 * Reads a whole table, strongly consistent. A page is read once the caller is done with the one before.
 * @param wanted what else DynamoDB is asked: a filter, a segment
 * @throws whatever DynamoDB throws
 */
export const scanPages = async function* (
  { client, name, wait }: Table & { readonly wait: Wait },
  wanted: Omit<ScanCommandInput, 'TableName'> = {},
): AsyncGenerator<Page> {
  let from: Item | undefined;
  do {
    const command = new ScanCommand({
      TableName: name,
      ConsistentRead: true,
      ...wanted,
      ...(from === undefined ? {} : { ExclusiveStartKey: from }),
    });
    const { Items = [], ScannedCount = 0, LastEvaluatedKey } = await patiently(wait, () => client.send(command));
    yield { items: Items, read: ScannedCount };
    from = LastEvaluatedKey;
  } while (from !== undefined);
};
