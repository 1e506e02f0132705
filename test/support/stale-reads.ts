import { GetItemCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import type { MemoryDynamo } from './memory-dynamo.ts';

type Item = Record<string, AttributeValue> | undefined;

/** Lets the reads to come answer so, one after the other: another call writes between them. */
export const readsOf = ({ mock }: MemoryDynamo, ...answers: Item[]): void => {
  mock.on(GetItemCommand).callsFake(() => {
    const item = answers.shift();
    return item === undefined ? {} : { Item: item };
  });
};
