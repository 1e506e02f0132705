import { ConditionalCheckFailedException, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { grantEventAttributes } from '../../functions/shared/store/attributes.ts';
import type { Table } from '../../functions/shared/store/dynamo.ts';
import { writeItem, type Item } from '../../functions/shared/store/items.ts';
import { patiently, type Wait } from '../shared/patience.ts';

/** Who puts a grant back, when and why. */
export interface PutBackBy {
  /** Epoch seconds. */
  readonly now: number;
  readonly requestId: string;
  readonly operator: string;
  readonly note: string;
}

/**
 * The item as it comes back: with the return as its last event, from which the audit learns of it, and without the lease
 * of a request that is long over. All else stays, attributes of later versions too.
 */
export const itemPutBack = (item: Item, { now, requestId, operator, note }: PutBackBy): Item => {
  const { leaseOwner: _owner, leaseUntilMs: _until, ...kept } = item;
  const event = { type: 'restored', at: now, requestId, operator, note };
  return { ...kept, lastEvent: { M: writeItem(grantEventAttributes, event) } };
};

/**
 * Puts an item into a table if none is there, so that what is newer stays. Each item is one write: whoever dies in
 * between leaves whole items.
 * @returns false if there is one, perhaps from an earlier run
 */
export const putIfAbsent = async (
  { client, name }: Table,
  { key, item }: { readonly key: string; readonly item: Item },
  wait: Wait,
): Promise<boolean> => {
  const command = new PutItemCommand({
    TableName: name,
    Item: item,
    ConditionExpression: `attribute_not_exists(${key})`,
  });
  try {
    await patiently(wait, () => client.send(command));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
};
