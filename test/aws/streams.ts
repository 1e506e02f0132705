/** Reads a table's stream, as Lambda does for the audit function. */
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import type { Table } from '../../functions/shared/store/dynamo.ts';
import type { ClientSettings } from './moto.ts';

/** The SDK's client for streams is a separate package, and only three calls are needed. No one checks the signature. */
const caller =
  ({ endpoint, region, credentials }: ClientSettings) =>
  async <T>(operation: string, parameters: object): Promise<T> => {
    const scope = `${credentials.accessKeyId}/20260101/${region}/dynamodb/aws4_request`;
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `DynamoDBStreams_20120810.${operation}`,
        authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
      },
      body: JSON.stringify(parameters),
    });
    if (response.status !== 200) throw new Error(`${operation}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };

interface StreamDescription {
  readonly StreamDescription: { readonly Shards: readonly { readonly ShardId: string }[] };
}

/** All records since the table was created. */
export const recordsOf = async (settings: ClientSettings, { client, name }: Table): Promise<DynamoDBRecord[]> => {
  const call = caller(settings);
  const { Table: table } = await client.send(new DescribeTableCommand({ TableName: name }));
  const StreamArn = table?.LatestStreamArn;
  const { StreamDescription: stream } = await call<StreamDescription>('DescribeStream', { StreamArn });
  const records: DynamoDBRecord[] = [];
  for (const { ShardId } of stream.Shards) {
    const position = { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' };
    const iterator = await call<object>('GetShardIterator', position);
    const { Records } = await call<{ Records: DynamoDBRecord[] }>('GetRecords', iterator);
    // moto writes the time as a text; DynamoDB and Lambda as epoch seconds.
    for (const { dynamodb, ...record } of Records) {
      const seconds = Math.floor(Date.parse(`${String(dynamodb?.ApproximateCreationDateTime)}Z`) / 1000);
      records.push({ ...record, dynamodb: { ...dynamodb, ApproximateCreationDateTime: seconds } });
    }
  }
  return records;
};
