import { ConditionalCheckFailedException, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { causeOf } from '../shared/errors.ts';
import { registryAttributes } from '../shared/store/attributes.ts';
import type { Table } from '../shared/store/dynamo.ts';
import { clausesOn, conditionOf } from '../shared/store/expressions.ts';
import type { Item } from '../shared/store/items.ts';
import { tryAgain, Unfinished, type Trying } from './try-again.ts';

/** Items put at the same time: a new table takes 4,000 writes a second. */
const parallel = 32;

const { absent } = clausesOn(registryAttributes);

/** What was put, and what was there already. */
export interface Counts {
  readonly put: number;
  readonly kept: number;
}

interface Filling extends Trying {
  readonly table: Table;
}

/** @returns whether it was put: an item that exists stays as it is */
const putItem = async (filling: Filling, item: Item): Promise<boolean> => {
  const { client, name } = filling.table;
  const command = new PutItemCommand({ TableName: name, Item: item, ...conditionOf(absent('entryId')) });
  try {
    await tryAgain(filling, () => client.send(command));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
};

/**
 * Puts every item that does not exist yet, and changes none that does.
 * @param untilMs when to stop, by the monotonic clock
 * @throws Unfinished that says how many are missing, and why
 */
export const putItems = async (filling: Filling, items: readonly Item[]): Promise<Counts> => {
  const counts = { put: 0, kept: 0 };
  const waiting = items.toReversed();
  const putOneByOne = async (): Promise<void> => {
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
      if (filling.deps.clock.monotonic() >= filling.untilMs) throw new Unfinished('there was no more time');
      if (await putItem(filling, item)) counts.put += 1;
      else counts.kept += 1;
    }
  };
  const ended = await Promise.allSettled(
    Array.from({ length: parallel }, () =>
      putOneByOne().catch((error: unknown) => {
        // The others end with the item that they are at.
        waiting.length = 0;
        throw error;
      }),
    ),
  );
  const failed = ended.find((one) => one.status === 'rejected');
  if (failed === undefined) return counts;
  const missing = items.length - counts.put - counts.kept;
  const why = failed.reason instanceof Unfinished ? failed.reason.message : causeOf(failed.reason);
  throw new Unfinished(`${missing} of ${items.length} items were not written: ${why}`);
};
