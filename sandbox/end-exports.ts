import { DynamoDBClient, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { LocalCloud } from './aws/cloud.ts';
import { region } from './aws/intrinsics.ts';

/** How long the item of a failed export stays, in seconds, so that its partner can see that it failed. */
const staysSeconds = 7 * 86_400;

/**
 * Ends the exports that ran when an earlier stack stopped: their jobs are gone, and would be waited for in vain. Their
 * partners find them failed, and are told so like of any other.
 */
export const endExports = async ({
  awsEndpoint,
  tables,
}: Pick<LocalCloud, 'awsEndpoint' | 'tables'>): Promise<void> => {
  const TableName = tables['exports'];
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint: awsEndpoint, region, credentials });
  try {
    const { Items = [] } = await client.send(new ScanCommand({ TableName, ConsistentRead: true }));
    const now = Math.floor(Date.now() / 1000);
    for (const { grantId, status } of Items) {
      if (grantId === undefined || status?.S !== 'running') continue;
      await client.send(
        new UpdateItemCommand({
          TableName,
          Key: { grantId },
          UpdateExpression:
            'SET #status = :failed, endedAt = :now, expiresAt = :later REMOVE payerToken, payerTokenExpiresAt, payerTokenAt, stateKey, callbackId, refusedVersion, waitingSince',
          ConditionExpression: '#status = :running',
          ExpressionAttributeNames: { '#status': 'status' },
          ExpressionAttributeValues: {
            ':failed': { S: 'failed' },
            ':running': { S: 'running' },
            ':now': { N: String(now) },
            ':later': { N: String(now + staysSeconds) },
          },
        }),
      );
    }
  } finally {
    client.destroy();
  }
};
