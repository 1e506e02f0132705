import { DynamoDBClient, ResourceNotFoundException } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { STSClient } from '@aws-sdk/client-sts';
import type { StageConfig } from '../../config/stage.ts';
import { causeOf, GatewayError } from '../../functions/shared/errors.ts';
import { explainS3Failure, findBucket, type AuditBucket } from '../audit/audit-bucket.ts';
import { awsSettings, explainAwsFailure } from '../shared/aws.ts';
import { callerOf } from '../shared/caller.ts';
import { Refusal } from '../shared/errors.ts';
import { readStage } from '../shared/stage-flags.ts';
import type { RestoreDeps, Stage } from './deps.ts';
import { readFlags, type RestoreCommand } from './flags.ts';
import { restoreGrants } from './grants.ts';
import { restoreReads } from './reads.ts';
import { restoreRevocations } from './revocations.ts';
import { restoreStops } from './stops.ts';

const carryOut = (stage: Stage, command: RestoreCommand, deps: RestoreDeps): Promise<number> => {
  switch (command.command) {
    case 'grants':
      return restoreGrants(stage, command, deps);
    case 'revocations':
      return restoreRevocations(stage, command, deps);
    case 'stops':
      return restoreStops(stage, command, deps);
    case 'reads':
      return restoreReads(stage, command, deps);
  }
};

const rights =
  'dynamodb:ListTables; dynamodb:DescribeTable and Scan on the copy; dynamodb:GetItem, PutItem and UpdateItem on the ' +
  "stage's table; s3:ListAllMyBuckets, and s3:ListBucket and GetObject on the audit bucket; cloudwatch:DescribeAlarms; " +
  'and use of the keys KeysData and KeysAudit';

/** Failures that pass. */
const passing = /Throttl|Exceeded|TooManyRequests|Timeout|ETIMEDOUT|ECONN|EPIPE|Internal|Unavailable/;

/** Turns a known failure of AWS into a Refusal that says what to do; returns any other error unchanged. */
const explain = (error: unknown, { stage }: StageConfig): unknown => {
  if (error instanceof Refusal || !(error instanceof Error)) return error;
  // The store's own error says that DynamoDB failed; its detail says how.
  if (error instanceof GatewayError) {
    return new Refusal(
      `The table cannot be used (${error.detail}). Run the same command again. The tool needs ${rights}.`,
    );
  }
  if (error instanceof ResourceNotFoundException) return new Refusal('There is no such table. Check --table.');
  if (error.name === 'NoSuchBucket') return explainS3Failure(error, stage);
  const known = explainAwsFailure(error, { stage, service: 'AWS', rights });
  if (known instanceof Refusal || !passing.test(causeOf(error))) return known;
  return new Refusal(
    `AWS fails (${causeOf(error)}). Run the same command again in a minute: it goes on where it stopped.`,
  );
};

/**
 * Puts back what a stage has lost: grants, revocations, blocks and pauses, events of reads.
 * @returns the exit code
 * @throws UsageError, Refusal, ConfigError
 */
export const restore = async (args: readonly string[], deps: RestoreDeps): Promise<number> => {
  const command = readFlags(args, Math.floor(deps.now() / 1000));
  const config = await readStage(command);
  const settings = awsSettings(config, deps.environment, 'operator');
  const [dynamo, s3, sts] = [new DynamoDBClient(settings), new S3Client(settings), new STSClient(settings)];
  try {
    const { arn: operator } = await callerOf(sts, config);
    const bucket = ('bucket' in command ? command.bucket : undefined) ?? deps.environment['AUDIT_BUCKET'];
    const openAudit = (): Promise<AuditBucket> => findBucket(s3, config.stage, bucket);
    return await carryOut({ config, dynamo, openAudit, operator }, command, deps);
  } catch (error) {
    throw explain(error, config);
  } finally {
    for (const client of [dynamo, s3, sts]) client.destroy();
  }
};
