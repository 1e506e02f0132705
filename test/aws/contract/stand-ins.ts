import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { startAws, type LocalAws } from '../../../sandbox/aws/aws.ts';
import { tables, type Dynamo } from './dynamodb.ts';

/** The local stack's services with what the cases expect, each behind one client. */
export interface StandIns {
  readonly aws: LocalAws;
  readonly dynamo: Dynamo;
  readonly close: () => Promise<void>;
}

/** Starts them. */
export const startStandIns = async (): Promise<StandIns> => {
  const aws = await startAws(0);
  const settings = {
    endpoint: aws.url,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'contract', secretAccessKey: 'local' },
  };
  await aws.dynamoDb.createTables(tables, () => undefined);
  const dynamo = { client: new DynamoDBClient(settings) };
  const close = async (): Promise<void> => {
    dynamo.client.destroy();
    await aws.close();
  };
  return { aws, dynamo, close };
};
