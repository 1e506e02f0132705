import { setTimeout as sleep } from 'node:timers/promises';
import { startDynamoDb } from '../../sandbox/aws/dynamodb.ts';
import { localKms } from '../../sandbox/aws/kms.ts';

const get = (key: number) => ({
  method: 'POST',
  path: '/',
  query: new URLSearchParams(),
  headers: {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': 'DynamoDB_20120810.GetItem',
    'x-amz-date': '20260101T000000Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
  },
  body: Buffer.from(JSON.stringify({ TableName: 'Grants1', Key: { grantId: { S: String(key) } } })),
});

describe('closing', () => {
  it('answers what it has begun, and refuses what comes after', async () => {
    const dynamoDb = await startDynamoDb(localKms());
    const keySchema = [{ AttributeName: 'grantId', KeyType: 'HASH' }] as const;
    const attributeDefinitions = [{ AttributeName: 'grantId', AttributeType: 'S' }] as const;
    const table = { name: 'grants', physicalName: 'Grants1', keySchema, attributeDefinitions };
    await dynamoDb.createTables([table], () => {});
    const answers = Array.from({ length: 200 }, async (_, key) => dynamoDb.service(get(key)));
    // Some of them have reached the store, others wait for a connection.
    await sleep(20);
    await dynamoDb.close();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array.from(answers, () => 200));
    await expect((async () => dynamoDb.service(get(0)))()).rejects.toThrow('DynamoDB was stopped');
  });
});
