/** Tables and buckets with the properties that the synthesized template gives them. */
import {
  CreateTableCommand,
  UpdateContinuousBackupsCommand,
  UpdateTimeToLiveCommand,
  type CreateTableCommandInput,
  type DynamoDBClient,
  type UpdateTimeToLiveCommandInput,
} from '@aws-sdk/client-dynamodb';
import {
  CreateBucketCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
  type PutBucketVersioningCommandInput,
  type PutObjectLockConfigurationCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Table } from '../../functions/shared/store/dynamo.ts';
import { at, property, stageTemplate, type Resource, type StageTemplate } from '../support/stage-template.ts';

/** The stage with every option. */
export const production = (): Promise<StageTemplate> => stageTemplate('production-example');

let made = 0;

/** A table's keys, mode and stream. Its encryption key belongs to another service. */
const creation = (table: Resource, name: string): CreateTableCommandInput => {
  const stream = property(table, 'StreamSpecification') as { StreamViewType: 'NEW_IMAGE' } | undefined;
  const indexes = property(table, 'GlobalSecondaryIndexes') as CreateTableCommandInput['GlobalSecondaryIndexes'];
  return {
    TableName: name,
    KeySchema: property(table, 'KeySchema'),
    AttributeDefinitions: property(table, 'AttributeDefinitions'),
    BillingMode: property(table, 'BillingMode'),
    ...(indexes === undefined ? {} : { GlobalSecondaryIndexes: indexes }),
    DeletionProtectionEnabled: property(table, 'DeletionProtectionEnabled'),
    ...(stream === undefined ? {} : { StreamSpecification: { StreamEnabled: true, ...stream } }),
  };
};

/** Makes an empty table like the one at a path of the template. */
export const makeTable = async (client: DynamoDBClient, template: StageTemplate, path: string): Promise<Table> => {
  const table = at(template, path);
  const name = `${path.replace('/', '-')}-${(made += 1)}`;
  await client.send(new CreateTableCommand(creation(table, name)));
  const timeToLive: UpdateTimeToLiveCommandInput['TimeToLiveSpecification'] = property(
    table,
    'TimeToLiveSpecification',
  );
  await client.send(new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification: timeToLive }));
  await client.send(
    new UpdateContinuousBackupsCommand({
      TableName: name,
      PointInTimeRecoverySpecification: property(table, 'PointInTimeRecoverySpecification'),
    }),
  );
  return { client, name };
};

/** Makes an empty bucket like the audit bucket of the template: versioned, and with its lock. */
export const makeAuditBucket = async (client: S3Client, template: StageTemplate, name: string): Promise<void> => {
  const bucket = at(template, 'Audit/Bucket');
  const versioning: PutBucketVersioningCommandInput['VersioningConfiguration'] = property(
    bucket,
    'VersioningConfiguration',
  );
  const lock: PutObjectLockConfigurationCommandInput['ObjectLockConfiguration'] = property(
    bucket,
    'ObjectLockConfiguration',
  );
  await client.send(
    new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket: property(bucket, 'ObjectLockEnabled') }),
  );
  await client.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration: versioning }));
  await client.send(new PutObjectLockConfigurationCommand({ Bucket: name, ObjectLockConfiguration: lock }));
};
