import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { MemoryDynamo } from './memory-dynamo.ts';

type Item = Record<string, AttributeValue> | undefined;

/** Lets the next reads return this, one after another, as if another call wrote between them. */
export const readsOf = ({ standIn }: MemoryDynamo, ...answers: Item[]): void => {
  standIn('GetItem', async () => {
    const item = answers.shift();
    return item === undefined ? {} : { Item: item };
  });
};
