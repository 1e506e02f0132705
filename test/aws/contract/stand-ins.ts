import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { startAws, type LocalAws } from '../../../sandbox/aws/aws.ts';
import { tables, type Dynamo } from './dynamodb.ts';
import type { Kms } from './kms.ts';
import type { Logs } from './logs.ts';
import type { S3 } from './s3.ts';

/** The local stack's services with what the cases expect. */
export interface StandIns {
  readonly aws: LocalAws;
  readonly dynamo: Dynamo;
  readonly secrets: SecretsManagerClient;
  readonly kms: Kms;
  readonly s3: S3;
  readonly logs: Logs;
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
  aws.s3.createBucket('contract-plain', { versioned: false });
  aws.s3.createBucket('versions');
  const dynamo = { client: new DynamoDBClient(settings) };
  const secrets = new SecretsManagerClient(settings);
  const kms: Kms = {
    client: new KMSClient(settings),
    makeKey: async (alias, kind) => {
      const arn = `arn:aws:kms:us-east-1:000000000000:key/${alias.replace('alias/', 'of-')}`;
      aws.kms.createKey(arn, [alias], kind);
      return arn;
    },
    setEnabled: async (arn, isEnabled) => (isEnabled ? aws.kms.enable(arn) : aws.kms.disable(arn)),
  };
  const s3 = { client: new S3Client(settings), plain: 'contract-plain', versioned: 'versions' };
  const logs: Logs = {
    client: new CloudWatchLogsClient(settings),
    makeGroup: async (name) => aws.logs.createGroup(name),
    write: async (group, lines, at) => {
      for (const line of lines) aws.logs.write(group, line, at);
    },
  };
  const close = async (): Promise<void> => {
    for (const client of [dynamo.client, secrets, kms.client, s3.client, logs.client]) client.destroy();
    await aws.close();
  };
  return { aws, dynamo, secrets, kms, s3, logs, close };
};
