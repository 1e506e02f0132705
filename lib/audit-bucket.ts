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

type AuditConfig = Pick<StageConfig, 'production' | 'retention'>;

export interface AuditBucketProps {
  readonly config: AuditConfig;
  readonly key: IKey;
  /** Who looked at the audit is logged there. */
  readonly accessLogs: Bucket;
}

const closed: BucketProps = {
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
  versioned: true,
  // In every stage: what is locked keeps CloudFormation from deleting its bucket.
  removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
};

/** S3's own log of who read or tried to change the audit; it goes when the stage's logs go. */
export const accessLogBucket = (scope: Construct, { retention }: AuditConfig): Bucket => {
  const days = Duration.days(retention.logDays);
  const bucket = new Bucket(scope, 'AccessLogs', {
    ...closed,
    encryption: BucketEncryption.S3_MANAGED,
    lifecycleRules: [{ expiration: days, noncurrentVersionExpiration: days }],
  });
  Validations.of(bucket).acknowledge({
    id: 'HIPAA.Security-S3DefaultEncryptionKMS',
    reason:
      'S3 delivers server access logs only to buckets with SSE-S3 (AES-256), as its documentation on enabling them says. ' +
      'They hold names of objects and of AWS principals, and nothing of what an object holds.',
  });
  return bucket;
};

/**
 * In production an object cannot be deleted by anybody, the account's root included, before `auditDays` have passed
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html). Elsewhere the lock is there for a day, and
 * can be overridden.
 */
const lock = ({ production, retention }: AuditConfig): ObjectLockRetention =>
  production
    ? ObjectLockRetention.compliance(Duration.days(retention.auditDays))
    : ObjectLockRetention.governance(Duration.days(1));

/**
 * How long an audit event is kept: as long as production locks it. Elsewhere the lock ends after a day, and an event
 * stays as long as the logs at least.
 */
const daysKept = ({ production, retention: { auditDays, logDays } }: AuditConfig): number =>
  production ? auditDays : Math.max(auditDays, logDays);

/**
 * Removes what its lock has set free. S3 hides an object on the day after, deletes the hidden version a day later, and
 * then the marker that hid it. It deletes nothing that is still locked.
 */
const lifecycle = (config: AuditConfig): LifecycleRule[] => [
  {
    id: 'AfterTheLock',
    expiration: Duration.days(daysKept(config) + 1),
    noncurrentVersionExpiration: Duration.days(1),
    abortIncompleteMultipartUploadAfter: Duration.days(7),
  },
  { id: 'Markers', expiredObjectDeleteMarker: true },
];

/** Where the audit is kept: encrypted, versioned, locked, and logged who reads it. */
export const auditBucket = (scope: Construct, { config, key, accessLogs }: AuditBucketProps): Bucket =>
  new Bucket(scope, 'Bucket', {
    ...closed,
    encryption: BucketEncryption.KMS,
    encryptionKey: key,
    // One call to KMS for many objects.
    bucketKeyEnabled: true,
    objectLockEnabled: true,
    objectLockDefaultRetention: lock(config),
    lifecycleRules: lifecycle(config),
    serverAccessLogsBucket: accessLogs,
    serverAccessLogsPrefix: 'audit/',
  });

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
 * The writer may put objects, and nobody else may, whatever IAM allows them. In production nobody deletes or shortens a
 * lock either: after the lock's end lifecycle rules delete, which no policy binds. The lock's setting for new objects,
 * the bucket's policy and its lifecycle stay changeable, or the stack could not be updated.
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
