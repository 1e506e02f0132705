import { startDynamoDb, type LocalDynamoDb } from './dynamodb.ts';
import { startAwsEndpoint, type LocalAwsEndpoint } from './endpoint.ts';
import { localLogs, type LocalLogs } from './logs.ts';
import { localS3, type LocalS3 } from './s3.ts';
import { localSecretsManager, type LocalSecretsManager } from './secrets-manager.ts';

/** Stand-ins for AWS behind one endpoint, still without resources. */
export interface LocalAws extends LocalAwsEndpoint {
  readonly dynamoDb: Pick<LocalDynamoDb, 'createTables'>;
  readonly secretsManager: Pick<LocalSecretsManager, 'setSecret'>;
  readonly s3: Pick<LocalS3, 'createBucket'>;
  readonly logs: Pick<LocalLogs, 'createGroup' | 'write'>;
}

/**
 * Starts DynamoDB, Secrets Manager, S3 and CloudWatch Logs.
 * @param port 0 for any free port
 * @throws the server's own error, such as `EADDRINUSE`
 */
export const startAws = async (port: number): Promise<LocalAws> => {
  const dynamoDb = await startDynamoDb();
  const secretsManager = localSecretsManager();
  const s3 = localS3();
  const logs = localLogs();
  const services = {
    dynamoDb: dynamoDb.service,
    secretsManager: secretsManager.service,
    s3: s3.service,
    logs: logs.service,
  };
  try {
    const endpoint = await startAwsEndpoint(port, services);
    const close = async (): Promise<void> => {
      await Promise.all([endpoint.close(), dynamoDb.close()]);
    };
    return { ...endpoint, dynamoDb, secretsManager, s3, logs, close };
  } catch (error) {
    await dynamoDb.close();
    throw error;
  }
};
