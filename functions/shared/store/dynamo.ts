import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { awsLimits } from '../aws-limits.ts';
import { causeOf, unavailable } from '../errors.ts';

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
