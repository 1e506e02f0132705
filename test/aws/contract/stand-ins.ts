import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { startAws, type LocalAws } from '../../../sandbox/aws/aws.ts';
import { tables, type Dynamo } from './dynamodb.ts';

/** The local stack's services with what the cases expect, each behind one client. */
export interface StandIns {
  readonly aws: LocalAws;
  readonly dynamo: Dynamo;
  readonly secrets: SecretsManagerClient;
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
  const secrets = new SecretsManagerClient(settings);
  const close = async (): Promise<void> => {
    for (const client of [dynamo.client, secrets]) client.destroy();
    await aws.close();
  };
  return { aws, dynamo, secrets, close };
};
