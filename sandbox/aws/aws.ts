import { join } from 'node:path';
import { noState, type LocalState } from '../state/local-state.ts';
import { localLambda, type LocalLambda } from './durable/service.ts';
import { startDynamoDb, type LocalDynamoDb } from './dynamodb.ts';
import { startAwsEndpoint, type AnswerAws, type LocalAwsEndpoint, type WatchAws } from './endpoint.ts';
import { localKms, type LocalKms } from './kms.ts';
import { localLogs, type LocalLogs } from './logs.ts';
import { localS3, type LocalS3 } from './s3.ts';
import { localSecretsManager, type LocalSecretsManager } from './secrets-manager.ts';
import { localStacks } from './stack-service.ts';

/** Stand-ins for AWS behind one endpoint, still without resources. */
export interface LocalAws extends LocalAwsEndpoint {
  readonly dynamoDb: Pick<LocalDynamoDb, 'createTables' | 'allowOnly'>;
  readonly secretsManager: Pick<LocalSecretsManager, 'setSecret' | 'currentValue'>;
  readonly s3: Omit<LocalS3, 'service'>;
  readonly kms: Omit<LocalKms, 'service'>;
  readonly lambda: Omit<LocalLambda, 'service'>;
  readonly logs: Pick<LocalLogs, 'createGroup' | 'write'>;
  readonly stacks: Omit<ReturnType<typeof localStacks>, 'service'>;
}

/**
 * Starts DynamoDB, Secrets Manager, S3, KMS, CloudWatch Logs, CloudFormation, and Lambda's durable executions.
 * @param port 0 for any free port
 * @param watch gets each call
 * @param state what an earlier stack left, and where this one keeps what it gets
 * @param answerFirst is asked before the services, and can break them
 * @throws the server's own error, such as `EADDRINUSE`
 */
export const startAws = async (
  port: number,
  watch?: WatchAws,
  { rooms, folder }: LocalState = noState,
  answerFirst?: AnswerAws,
): Promise<LocalAws> => {
  const folderOf = (name: string) => (folder === undefined ? undefined : join(folder, name));
  const kms = localKms(rooms);
  const dynamoDb = await startDynamoDb(kms, folderOf('dynamodb'));
  const secretsManager = localSecretsManager(kms, rooms);
  const s3 = localS3({ isKeyEnabled: kms.isEnabled, rooms, folder: folderOf('objects') });
  const lambda = localLambda({ vaultOf: kms.vaultOf });
  const logs = localLogs();
  const stacks = localStacks();
  const services = {
    dynamoDb: dynamoDb.service,
    secretsManager: secretsManager.service,
    s3: s3.service,
    logs: logs.service,
    kms: kms.service,
    lambda: lambda.service,
    stacks: stacks.service,
  };
  try {
    const endpoint = await startAwsEndpoint(port, services, watch, answerFirst);
    const close = async (): Promise<void> => {
      await Promise.all([endpoint.close(), dynamoDb.close(), lambda.close()]);
      s3.close();
    };
    return { ...endpoint, dynamoDb, secretsManager, s3, kms, lambda, logs, stacks, close };
  } catch (error) {
    await dynamoDb.close();
    throw error;
  }
};
