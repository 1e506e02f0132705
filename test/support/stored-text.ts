import { DynamoDBClient, paginateScan, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { keysAfter, readObject } from '../../bin/audit/audit-bucket.ts';
import type { LocalStack } from '../../sandbox/stack.ts';

const settings = ({ awsEndpoint }: LocalStack) => ({
  endpoint: awsEndpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});

/** Every object of the audit bucket with its name, once everything that happened is in it. */
export const auditObjects = async (stack: LocalStack): Promise<ReadonlyMap<string, string>> => {
  await stack.streamsIdle();
  const client = new S3Client(settings(stack));
  const bucket = { client, name: stack.buckets['bucket'] ?? '' };
  const objects = new Map<string, string>();
  for await (const key of keysAfter(bucket, '', '')) objects.set(key, (await readObject(bucket, key)) ?? '');
  client.destroy();
  return objects;
};

/** An item, with its binary attributes in every spelling that could reveal their content. */
const asText = (item: Record<string, AttributeValue>): string =>
  JSON.stringify(item, (_key, value: unknown) =>
    value instanceof Uint8Array
      ? (['utf8', 'base64', 'base64url'] as const).map((encoding) => Buffer.from(value).toString(encoding))
      : value,
  );

/** Every item of each table, by the table's construct name. */
export const tableItems = async (stack: LocalStack): Promise<ReadonlyMap<string, readonly string[]>> => {
  const client = new DynamoDBClient(settings(stack));
  const tables = new Map<string, string[]>();
  for (const [name, TableName] of Object.entries(stack.tables)) {
    const items: string[] = [];
    for await (const page of paginateScan({ client }, { TableName, ConsistentRead: true })) {
      items.push(...(page.Items ?? []).map(asText));
    }
    tables.set(name, items);
  }
  client.destroy();
  return tables;
};
