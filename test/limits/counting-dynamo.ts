import { createServer, request as httpRequest } from 'node:http';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { close, listen } from '../../sandbox/aws/listen.ts';
import { startDynamo } from '../support/world/dynalite.ts';

/** A DynamoDB with tables, given by their keys, and counts of its reads and writes. */
export const startCountingDynamo = async (tables: Readonly<Record<string, string>>) => {
  const dynamo = await startDynamo();
  const counts: Record<string, number> = {};
  const counting = createServer((request, response) => {
    const action = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    counts[action] = (counts[action] ?? 0) + 1;
    const { method, url: path, headers } = request;
    request.pipe(
      httpRequest(new URL(path ?? '/', dynamo.url), { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      }).on('error', () => response.destroy()),
    );
  });
  const endpoint = `http://127.0.0.1:${await listen(counting, 0, '127.0.0.1')}`;
  const env = {
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
  };
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint, region: 'eu-central-1', credentials });
  for (const [TableName, key] of Object.entries(tables)) {
    await dynamo.createTable({
      TableName,
      KeySchema: [{ AttributeName: key, KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: key, AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    });
  }
  return {
    client,
    /** The environment of processes that use it. */
    env,
    counts,
    close: async () => {
      client.destroy();
      await close(counting);
      await dynamo.close();
    },
  };
};
