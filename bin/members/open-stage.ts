import { KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import type { StageConfig } from '../../config/stage.ts';
import { causeOf, GatewayError } from '../../functions/shared/errors.ts';
import { makeMemberIndex } from '../../functions/shared/store/make-member-index.ts';
import type { Member } from '../../functions/shared/store/member-index.ts';
import { auditRights, explainS3Failure, findBucket, type AuditBucket } from '../audit/audit-bucket.ts';
import { awsSettings, explainAwsFailure } from '../shared/aws.ts';
import type { Caller } from '../shared/caller.ts';
import { Refusal } from '../shared/errors.ts';
import { findTable, NoTable } from '../shared/find-table.ts';
import { patiently } from '../shared/patience.ts';
import { openRegistryTable, type RegistryTable } from '../shared/registry-table.ts';
import { readStage } from '../shared/stage-flags.ts';
import type { MembersToolDeps } from './deps.ts';
import type { MembersCommand } from './flags.ts';

/** A stage, opened by an operator. */
export interface OpenStage {
  readonly config: StageConfig;
  readonly operator: Caller;
  readonly registry: RegistryTable;
  /** The table Grants. A call that fails for a moment is repeated. */
  readonly grants: RegistryTable;
  /** Computes a member's index with the stage's key. */
  readonly indexOf: (member: Member) => Promise<string>;
  /** Finds the audit bucket. */
  readonly bucket: () => Promise<AuditBucket>;
  /** Finds the table Exports. */
  readonly exports: () => Promise<RegistryTable>;
  /** Finds the table AuditEvents. */
  readonly auditEvents: () => Promise<RegistryTable>;
  /** Finds the table Exchanges; undefined if the stage has no exchanges. */
  readonly exchanges: () => Promise<RegistryTable | undefined>;
}

/** The permissions that the tool needs. */
const rights =
  'dynamodb:ListTables; dynamodb:GetItem and Scan on the registry table; dynamodb:GetItem, Query (with its index Member), Scan, ' +
  "UpdateItem and PutItem on the grants table, GetItem on the exports table; kms:GenerateMac with the stage's key of the member " +
  `index; ${auditRights}; and use of the tables' and the bucket's keys. docs/members.md ` +
  'lists them, and those for exchanges between plans';

const keyFailure = /^(?:NotFoundException|DisabledException|KMSInvalidStateException|InvalidKeyUsageException)$/;

/** Turns a known failure of a call to AWS into a Refusal; returns any other error unchanged. */
const explain = (error: unknown, { stage }: StageConfig, keyId: string): unknown => {
  // The store's own error says that DynamoDB failed; its detail says how.
  if (error instanceof GatewayError)
    return new Refusal(`A table cannot be used (${error.detail}). The tool needs ${rights}.`);
  if (error instanceof Error && keyFailure.test(error.name)) {
    return new Refusal(
      `The key ${keyId} of the member index cannot be used (${causeOf(error)}). Deploy this version of the stage, ` +
        'enable the key, or give --key.',
    );
  }
  if (error instanceof Error && error.name === 'NoSuchBucket') return explainS3Failure(error, stage);
  return explainAwsFailure(error, { stage, service: 'AWS', rights });
};

/**
 * Opens a stage, runs a command on it, and closes it.
 * @throws Refusal if the stage cannot be used
 */
export const withStage = async <T>(
  place: MembersCommand,
  { environment, wait }: Pick<MembersToolDeps, 'environment' | 'wait'>,
  run: (stage: OpenStage) => Promise<T>,
): Promise<T> => {
  const config = await readStage(place);
  const bucket = 'bucket' in place ? place.bucket : undefined;
  const settings = awsSettings(config, environment, 'operator');
  const keyId = place.key ?? `alias/p2p-${config.stage}-member-index`;
  const { table: registry, operator, close } = await openRegistryTable(config, { environment, tool: 'operator', wait });
  const [kms, s3] = [new KMSClient(settings), new S3Client(settings)];
  const { client } = registry;
  const tableOf = async (construct: string): Promise<RegistryTable> => ({
    client,
    wait,
    name: await findTable(client, config.stage, construct),
  });
  try {
    return await run({
      config,
      operator,
      registry,
      grants: place.table === undefined ? await tableOf('Grants') : { client, wait, name: place.table },
      indexOf: (member) => patiently(wait, () => makeMemberIndex(kms, keyId, member)),
      bucket: () => findBucket(s3, config.stage, bucket ?? environment['AUDIT_BUCKET']),
      exports: () => tableOf('Exports'),
      auditEvents: () => tableOf('AuditEvents'),
      exchanges: async () => {
        try {
          return await tableOf('Exchanges');
        } catch (error) {
          if (error instanceof NoTable) return undefined;
          throw error;
        }
      },
    });
  } catch (error) {
    throw explain(error, config, keyId);
  } finally {
    close();
    kms.destroy();
    s3.destroy();
  }
};
