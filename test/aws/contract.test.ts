/* Moto, held against what AWS documents, as `test/sandbox/aws-contract.test.ts` holds the local stack. */
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  KMSClient,
} from '@aws-sdk/client-kms';
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { declareCases } from './contract/contract.ts';
import { ofMoto } from './contract/differences.ts';
import { dynamoCases, tables, type Dynamo } from './contract/dynamodb.ts';
import { kmsCases, type Kms } from './contract/kms.ts';
import { logsCases, type Logs } from './contract/logs.ts';
import { s3Cases, type S3 } from './contract/s3.ts';
import { secretCases } from './contract/secrets-manager.ts';
import { motoServer } from './moto.ts';

const moto = motoServer();
let dynamo: Dynamo;
let secrets: SecretsManagerClient;
let kms: Kms;
let s3: S3;
let logs: Logs;

const kmsWith = (client: KMSClient): Kms => ({
  client,
  makeKey: async (AliasName, KeySpec) => {
    const KeyUsage = KeySpec === 'HMAC_256' ? 'GENERATE_VERIFY_MAC' : 'ENCRYPT_DECRYPT';
    const { KeyMetadata } = await client.send(new CreateKeyCommand({ KeySpec, KeyUsage }));
    await client.send(new CreateAliasCommand({ AliasName, TargetKeyId: KeyMetadata?.KeyId }));
    return KeyMetadata?.Arn ?? '';
  },
  setEnabled: async (arn, isEnabled) => {
    const KeyId = arn.split('/').at(-1);
    await (isEnabled ? client.send(new EnableKeyCommand({ KeyId })) : client.send(new DisableKeyCommand({ KeyId })));
  },
});

const logsWith = (client: CloudWatchLogsClient): Logs => ({
  client,
  makeGroup: async (logGroupName) => {
    await client.send(new CreateLogGroupCommand({ logGroupName }));
    await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName: 'moto' }));
  },
  write: async (logGroupName, lines, timestamp) => {
    const logEvents = lines.map((message) => ({ message, timestamp }));
    await client.send(new PutLogEventsCommand({ logGroupName, logStreamName: 'moto', logEvents }));
  },
});

beforeAll(async () => {
  const settings = { ...moto.settings(), maxAttempts: 1 };
  dynamo = { client: new DynamoDBClient(settings) };
  secrets = new SecretsManagerClient(settings);
  kms = kmsWith(new KMSClient(settings));
  s3 = { client: new S3Client({ ...settings, forcePathStyle: true }), plain: 'contract-plain', versioned: 'versions' };
  logs = logsWith(new CloudWatchLogsClient(settings));
  for (const { physicalName: TableName, keySchema, attributeDefinitions, indexes } of tables) {
    await dynamo.client.send(
      new CreateTableCommand({
        TableName,
        KeySchema: [...keySchema],
        AttributeDefinitions: [...attributeDefinitions],
        BillingMode: 'PAY_PER_REQUEST',
        GlobalSecondaryIndexes: indexes as never,
      }),
    );
  }
  for (const Bucket of [s3.plain, s3.versioned]) await s3.client.send(new CreateBucketCommand({ Bucket }));
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await s3.client.send(new PutBucketVersioningCommand({ Bucket: s3.versioned, VersioningConfiguration }));
});
afterAll(() => {
  for (const client of [dynamo.client, secrets, kms.client, s3.client, logs.client]) client.destroy();
});

describe('moto', () => {
  declareCases(dynamoCases, () => dynamo, ofMoto.dynamoDb);
  declareCases(secretCases, () => secrets, ofMoto.secretsManager);
  declareCases(kmsCases, () => kms, ofMoto.kms);
  declareCases(s3Cases, () => s3, ofMoto.s3);
  declareCases(logsCases, () => logs, ofMoto.logs);
});
