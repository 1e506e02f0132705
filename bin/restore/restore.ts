import { randomUUID } from 'node:crypto';
import { DynamoDBClient, ResourceNotFoundException } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { STSClient } from '@aws-sdk/client-sts';
import type { StageConfig } from '../../config/stage.ts';
import { causeOf, GatewayError } from '../../functions/shared/errors.ts';
import { instant } from '../../functions/shared/instant.ts';
import { auditRights, explainS3Failure, findBucket, type AuditBucket } from '../audit/audit-bucket.ts';
import { awsSettings, explainAwsFailure } from '../shared/aws.ts';
import { callerOf } from '../shared/caller.ts';
import { readCommand } from '../shared/command-line.ts';
import { Refusal } from '../shared/errors.ts';
import { findTable } from '../shared/find-table.ts';
import { readStage } from '../shared/stage-flags.ts';
import { checkAuditAlarms } from './audit-alarms.ts';
import { requireConsent } from './consent.ts';
import type { RestoreDeps, Stage } from './deps.ts';
import { endAgain } from './end-again.ts';
import { spec, type RestoreCommand, type RestoreOf } from './flags.ts';
import { restoreGrants } from './grants.ts';
import { readKnown } from './known-events.ts';
import { overlapSeconds } from './plan.ts';
import { restoreReads } from './reads.ts';
import { restoreStops } from './stops.ts';

/**
 * Ends each living grant that the audit knows as ended since a time.
 * @returns the exit code
 * @throws Refusal, and whatever AWS's clients throw
 */
const restoreRevocations = async (
  { config, dynamo, openAudit, operator }: Stage,
  command: RestoreOf<'revocations'>,
  deps: RestoreDeps,
): Promise<number> => {
  const { since, dryRun } = command;
  const name = command.table ?? (await findTable(dynamo, config.stage, 'Grants'));
  await checkAuditAlarms(config, deps.environment);
  if (!dryRun) {
    await requireConsent(`End what the audit knows as ended since ${instant(since)}, as ${operator}?`, command, deps);
  }
  const known = await readKnown(await openAudit(), since - overlapSeconds);
  const by = { requestId: randomUUID(), operator, note: command.reason };
  await endAgain({ table: { client: dynamo, name }, known, by, dryRun }, deps);
  return 0;
};

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
  `stage's table; s3:ListAllMyBuckets; ${auditRights}; cloudwatch:DescribeAlarms; ` +
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
  const command = readCommand(spec, args, deps.now());
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
