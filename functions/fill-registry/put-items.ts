import { ConditionalCheckFailedException, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { causeOf } from '../shared/errors.ts';
import { registryAttributes } from '../shared/store/attributes.ts';
import type { Table } from '../shared/store/dynamo.ts';
import { clausesOn, conditionOf } from '../shared/store/expressions.ts';
import type { Item } from '../shared/store/items.ts';
import { backOff } from './back-off.ts';
import type { FillDeps } from './deps.ts';

/** Items put at the same time: a new table takes 4,000 writes a second. */
const parallel = 32;

/** A role that was made a moment ago may be refused for some seconds. */
const mostTries = 10;

const { absent } = clausesOn(registryAttributes);

/** What was put, and what was there already. */
export interface Counts {
  readonly put: number;
  readonly kept: number;
}

/** The filling ended early. The message is ours, for CloudFormation. */
export class Unfinished extends Error {}

const isThrottled = (error: unknown): boolean =>
  error instanceof Error && /Throttl|ProvisionedThroughputExceeded|RequestLimitExceeded/.test(error.name);

interface Filling {
  readonly deps: Pick<FillDeps, 'clock' | 'random' | 'wait'>;
  readonly table: Table;
  /** When to stop, by the monotonic clock. */
  readonly untilMs: number;
}

/** @returns whether it was put: an item that exists stays as it is */
const putItem = async ({ deps, table, untilMs }: Filling, item: Item): Promise<boolean> => {
  const command = new PutItemCommand({ TableName: table.name, Item: item, ...conditionOf(absent('entryId')) });
  for (let tries = 1; ; tries += 1) {
    try {
      await table.client.send(command);
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      if (!isThrottled(error) && tries >= mostTries) throw new Unfinished(`DynamoDB answers ${causeOf(error)}`);
      const pauseMs = backOff(tries, deps.random());
      if (deps.clock.monotonic() + pauseMs >= untilMs) {
        throw new Unfinished(`there was no more time, and DynamoDB answers ${causeOf(error)}`);
      }
      await deps.wait(pauseMs);
    }
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
