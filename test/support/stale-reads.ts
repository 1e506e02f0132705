import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { MemoryDynamo } from './memory-dynamo.ts';

type Item = Record<string, AttributeValue> | undefined;

/** Lets the reads to come answer so, one after the other: another call writes between them. */
export const readsOf = ({ standIn }: MemoryDynamo, ...answers: Item[]): void => {
  standIn('GetItem', async () => {
    const item = answers.shift();
    return item === undefined ? {} : { Item: item };
  });
};
