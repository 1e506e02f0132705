import { ConditionalCheckFailedException, DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { awsLimits } from '../aws/aws-limits.ts';
import { causeOf, unavailable } from '../errors.ts';
import type { projectionOf } from './expressions.ts';
import type { Item } from './items.ts';

/** One table, as the functions use it. */
export interface Table {
  readonly client: DynamoDBClient;
  readonly name: string;
}

/** Under ten seconds per call. */
export const dynamoLimits = awsLimits({ maxAttempts: 3, requestMs: 3000 });

/** The client that every function shares. */
export const dynamoClient = (): DynamoDBClient => new DynamoDBClient(dynamoLimits);

/** Runs a conditional write: true if it was made, false if its condition failed. */
export const writeIfConditionHolds = async <T>(write: Promise<T>): Promise<T | undefined> => {
  try {
    return await write;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw unavailable(`dynamodb: ${causeOf(error)}`);
  }
};

/** Runs a read; DynamoDB's own failures become {@link unavailable}. */
export const sendOrUnavailable = async <T>(call: Promise<T>): Promise<T> => {
  try {
    return await call;
  } catch (error) {
    throw unavailable(`dynamodb: ${causeOf(error)}`);
  }
};

/**
 * Reads an item by its key, strongly consistent.
 * @param projection which of its attributes. @default all
 * @throws GatewayError `temporarily_unavailable`
 */
export const getItem = async (
  { client, name }: Table,
  key: Item,
  projection: Partial<ReturnType<typeof projectionOf>> = {},
): Promise<Item | undefined> => {
  const get = new GetItemCommand({ TableName: name, Key: key, ConsistentRead: true, ...projection });
  const { Item: item } = await sendOrUnavailable(client.send(get));
  return item;
};
