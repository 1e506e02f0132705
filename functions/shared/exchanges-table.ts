import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** The table of exchanges; undefined in a stage without them. */
export const exchangesTable = (
  client: DynamoDBClient,
): { readonly client: DynamoDBClient; readonly name: string } | undefined => {
  const name = process.env['EXCHANGES_TABLE'];
  return name === undefined ? undefined : { client, name };
};
