import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyStatement, type IPrincipal, type IRole } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  ObjectLockRetention,
  ObjectOwnership,
  type BucketProps,
  type LifecycleRule,
} from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { StageConfig } from '../config/stage.ts';
import { keepPolicyWith } from './removal-policy.ts';

type AuditConfig = Pick<StageConfig, 'production' | 'retention'>;

export interface AuditBucketProps {
  readonly config: AuditConfig;
  readonly key: IKey;
  /** Where S3 logs who accessed the audit. */
  readonly accessLogs: Bucket;
}

/** In every stage: CloudFormation cannot delete a bucket that holds locked objects. */
const kept = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;

const closed: BucketProps = {
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
  versioned: true,
  removalPolicy: kept,
};

/**
 * In production no one, including the account's root user, can delete an object before `auditDays` have passed
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html). In other stages the lock lasts a day and
 * can be overridden.
 */
const lock = ({ production, retention }: AuditConfig): ObjectLockRetention =>
  production
    ? ObjectLockRetention.compliance(Duration.days(retention.auditDays))
    : ObjectLockRetention.governance(Duration.days(1));

/**
 * How long an audit event is kept: in production as long as it is locked. In other stages the lock ends after a day,
 * and an event is kept at least as long as the logs.
 */
const daysKept = ({ production, retention: { auditDays, logDays } }: AuditConfig): number =>
  production ? auditDays : Math.max(auditDays, logDays);

/**
 * Removes objects after so many days, counted to the next midnight UTC and whenever S3 then comes to it. S3 hides an object,
 * deletes the hidden version a day or two later, and then the marker that hid it (https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html). It never
 * deletes a locked object, but it hides one if `auditDays` was longer when the object was written. That is why the tools read
 * versions (`bin/audit/audit-bucket.ts`).
 */
const removedAfter = (days: number, id: string): LifecycleRule[] => [
  {
    id,
    expiration: Duration.days(days),
    noncurrentVersionExpiration: Duration.days(1),
    abortIncompleteMultipartUploadAfter: Duration.days(7),
  },
  { id: 'Markers', expiredObjectDeleteMarker: true },
];

/** The bucket for S3's own log of who read or tried to change the audit; lines live as long as what they are about. */
export const accessLogBucket = (scope: Construct, config: AuditConfig): Bucket => {
  const bucket = new Bucket(scope, 'AccessLogs', {
    ...closed,
    encryption: BucketEncryption.S3_MANAGED,
    lifecycleRules: removedAfter(daysKept(config), 'AfterTheAudit'),
  });
  keepPolicyWith(bucket, kept);
  Validations.of(bucket).acknowledge({
    id: 'HIPAA.Security-S3DefaultEncryptionKMS',
    reason:
      'S3 delivers server access logs only to buckets with SSE-S3 (AES-256), according to its documentation. They name ' +
      'objects and AWS principals, and hold no content of objects.',
  });
  return bucket;
};

/** The bucket that keeps the audit: encrypted, versioned, locked, and with access logging. */
export const auditBucket = (scope: Construct, { config, key, accessLogs }: AuditBucketProps): Bucket => {
  const bucket = new Bucket(scope, 'Bucket', {
    ...closed,
    encryption: BucketEncryption.KMS,
    encryptionKey: key,
    // S3 then calls KMS once for many objects.
    bucketKeyEnabled: true,
    objectLockEnabled: true,
    objectLockDefaultRetention: lock(config),
    // Not a day before the lock ends.
    lifecycleRules: removedAfter(daysKept(config) + 1, 'AfterTheLock'),
    serverAccessLogsBucket: accessLogs,
    serverAccessLogsPrefix: 'audit/',
  });
  keepPolicyWith(bucket, kept);
  return bucket;
};

const statement = (
  bucket: Bucket,
  sid: string,
  effect: Effect,
  principal: IPrincipal,
  actions: readonly string[],
  conditions: Readonly<Record<string, unknown>> = {},
): void => {
  const resources = [bucket.arnForObjects('*')];
  const props = { sid, effect, principals: [principal], actions: [...actions], resources, conditions };
  bucket.addToResourcePolicy(new PolicyStatement(props));
};

/**
 * Only the writer may put objects, whatever IAM allows anyone else. In production no one may delete an object or
 * shorten its lock: lifecycle rules, which bucket policies do not affect, delete it after the lock has ended. The
 * default lock for new objects, the bucket's policy and its lifecycle stay changeable, or the stack could not be
 * updated.
 */
export const protectAudit = (bucket: Bucket, { production }: AuditConfig, writer: IRole): void => {
  const everybody = new AnyPrincipal();
  const isAnother = { ArnNotEquals: { 'aws:PrincipalArn': writer.roleArn } };
  statement(bucket, 'TheAuditFunctionWrites', Effect.ALLOW, writer, ['s3:PutObject']);
  statement(bucket, 'NobodyElseWrites', Effect.DENY, everybody, ['s3:PutObject'], isAnother);
  if (!production) return;
  const removing = ['s3:BypassGovernanceRetention', 's3:DeleteObject', 's3:DeleteObjectVersion'];
  statement(bucket, 'NobodyRemoves', Effect.DENY, everybody, removing);
};
