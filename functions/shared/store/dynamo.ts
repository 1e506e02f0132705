import { ConditionalCheckFailedException, DynamoDBClient, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { awsLimits } from '../aws-limits.ts';
import { causeOf, unavailable } from '../errors.ts';

/** An item as DynamoDB holds it. */
export type Item = Record<string, AttributeValue>;

/** One table, as the functions use it. */
export interface Table {
  readonly client: DynamoDBClient;
  readonly name: string;
}

/** Under ten seconds a call. */
export const dynamoLimits = awsLimits({ maxAttempts: 3, requestMs: 3000 });

/** The client that every function shares. */
export const dynamoClient = (): DynamoDBClient => new DynamoDBClient(dynamoLimits);

/** A string attribute. */
export const s = (value: string): AttributeValue => ({ S: value });

/** A number attribute, epoch seconds or a count. */
export const n = (value: number): AttributeValue => ({ N: String(value) });

/** A string set attribute; DynamoDB has no empty one. */
export const ss = (...values: readonly string[]): AttributeValue => ({ SS: [...values] });

/** A binary attribute. */
export const b = (value: Uint8Array): AttributeValue => ({ B: value });

/** A string attribute of an item; undefined where it has none. */
export const text = (item: Item, name: string): string | undefined => item[name]?.S;

/** A number attribute of an item; undefined where it has none. */
export const number = (item: Item, name: string): number | undefined =>
  item[name]?.N === undefined ? undefined : Number(item[name].N);

/** A string set of an item; undefined where it has none. */
export const texts = (item: Item, name: string): readonly string[] | undefined => item[name]?.SS;

/** A binary attribute of an item; undefined where it has none. */
export const binary = (item: Item, name: string): Uint8Array | undefined => item[name]?.B;

/** Runs a conditional write: true where it was made, false where its condition failed. */
export const conditionally = async <T>(write: Promise<T>): Promise<T | undefined> => {
  try {
    return await write;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw unavailable(`dynamodb: ${causeOf(error)}`);
  }
};

/** Runs a read; DynamoDB's own failures become {@link unavailable}. */
export const available = async <T>(call: Promise<T>): Promise<T> => {
  try {
    return await call;
  } catch (error) {
    throw unavailable(`dynamodb: ${causeOf(error)}`);
  }
};

/** Joins named clauses into one condition. */
export const all = (...clauses: readonly string[]): string => clauses.join(' AND ');
