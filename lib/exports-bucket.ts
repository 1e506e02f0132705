import { Duration, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { longestExportSeconds } from '../functions/shared/exports/longest-export.ts';
import { keepPolicyWith, removalPolicyOf } from './removal-policy.ts';

const longestExportDays = Duration.seconds(longestExportSeconds).toDays();

export interface ExportsBucketProps {
  readonly config: Pick<StageConfig, 'removalPolicy' | 'retention'>;
  readonly key: IKey;
  /** Where S3 logs who accessed the files. */
  readonly accessLogs: Bucket;
}

/**
 * The bucket of exports' files and of the state of their jobs, all of them sealed before they are put. It has no
 * versions and no backup: what is deleted is gone. The lifecycle deletes what the sweep missed,
 * a day or two after the files of the longest export expire: S3 counts to the next midnight UTC.
 */
export const exportsBucket = (scope: Construct, { config, key, accessLogs }: ExportsBucketProps): Bucket => {
  const bucket = new Bucket(scope, 'Files', {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    versioned: false,
    encryption: BucketEncryption.KMS,
    encryptionKey: key,
    // S3 then calls KMS once for many objects.
    bucketKeyEnabled: true,
    lifecycleRules: [
      {
        id: 'AfterTheFiles',
        // An export's first files are as old as the export when it ends.
        expiration: Duration.days(config.retention.exportFileDays + longestExportDays + 1),
        abortIncompleteMultipartUploadAfter: Duration.days(1),
      },
    ],
    serverAccessLogsBucket: accessLogs,
    serverAccessLogsPrefix: 'exports/',
    removalPolicy: removalPolicyOf(config),
  });
  keepPolicyWith(bucket, removalPolicyOf(config));
  Validations.of(bucket).acknowledge(
    {
      id: 'HIPAA.Security-S3BucketVersioningEnabled',
      reason:
        'Deleting an export must delete its files: an older version would be a copy of a record that was to be gone.',
    },
    {
      id: 'HIPAA.Security-S3BucketReplicationEnabled',
      reason: 'Files are copies that last for days. The partner asks for another export if they are lost.',
    },
  );
  return bucket;
};
