import { Duration, Validations } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { openReads } from '../functions/shared/store/read-events.ts';
import { accessLogBucket, auditBucket, protectAudit } from './audit-bucket.ts';
import { GatewayFunction } from './gateway-function.ts';
import type { GatewayKeys } from './keys.ts';
import type { GatewayRuntime } from './runtime.ts';
import { allow, allowKeyForObjects, allowKeyForTables, allowOnlyWriting } from './statements.ts';
import { acknowledgeStreams, readStreams, streamSource } from './stream-source.ts';
import type { GatewayTables } from './tables.ts';

export interface GatewayAuditProps {
  readonly runtime: GatewayRuntime;
  readonly keys: GatewayKeys;
  readonly tables: GatewayTables;
}

/** A read lasts 14 minutes at most, so a read whose end is unknown is in the bucket within 17. */
const closingInterval = Duration.minutes(2);

/** Removal by TTL is not an event. */
const withoutExpiry = ['INSERT', 'MODIFY'];

const followed = ({ grants, auditEvents, registry }: GatewayTables): Table[] => [grants, auditEvents, registry];

/** Copies what happened to grants, reads and entries of the registry from the tables' streams into a bucket where no one can delete it. */
export class GatewayAudit extends Construct {
  /** Where the audit is kept. */
  readonly bucket: Bucket;
  /** Where S3 logs who accessed a bucket of the stage. */
  readonly accessLogs: Bucket;
  /** Writes to the bucket. */
  readonly function: GatewayFunction;
  /** Starts the function on a schedule, to close reads that never ended. */
  readonly closing: Rule;
  /** What reads the streams, by the name of the table. */
  readonly sources: Readonly<Record<'Grants' | 'AuditEvents' | 'Registry', EventSourceMapping>>;

  constructor(scope: Construct, id: string, { runtime, keys, tables }: GatewayAuditProps) {
    super(scope, id);
    const { config } = runtime;
    this.accessLogs = accessLogBucket(this, config);
    this.bucket = auditBucket(this, { config, key: keys.audit, accessLogs: this.accessLogs });
    this.function = this.auditFunction(runtime, keys, tables);
    protectAudit(this.bucket, config, this.function.role);
    this.sources = {
      Grants: this.follow('GrantsSource', tables.grants, withoutExpiry),
      AuditEvents: this.follow('AuditEventsSource', tables.auditEvents, withoutExpiry),
      // Nothing in it expires, and no tool deletes an item: a removal was made by hand.
      Registry: this.follow('RegistrySource', tables.registry, ['INSERT', 'MODIFY', 'REMOVE']),
    };
    // The bucket's policy is what lets the function write.
    for (const source of Object.values(this.sources)) source.node.addDependency(...this.bucket.policy!.node.findAll());
    this.closing = this.closeReadsBySchedule();
    acknowledgeStreams(this.function, followed(tables));
    Validations.of(this).acknowledge({
      id: 'HIPAA.Security-S3BucketReplicationEnabled',
      reason:
        'S3 stores each object in three or more zones, and the lock prevents deletion and overwriting. Whether to copy who ' +
        "read whose record to another region or account is the organization's decision.",
    });
  }

  private auditFunction(runtime: GatewayRuntime, keys: GatewayKeys, tables: GatewayTables): GatewayFunction {
    return new GatewayFunction(this, 'Audit', {
      runtime,
      folder: 'audit',
      timeout: Duration.minutes(1),
      environment: {
        STAGE: runtime.config.stage,
        AUDIT_BUCKET: this.bucket.bucketName,
        AUDIT_TABLE: tables.auditEvents.tableName,
      },
      statements: [
        ...readStreams(followed(tables)),
        allowKeyForTables(keys.data),
        allow(['dynamodb:Scan'], [`${tables.auditEvents.tableArn}/index/${openReads.index}`]),
        allowOnlyWriting(['dynamodb:UpdateItem'], [tables.auditEvents.tableArn]),
        // The bucket policy grants the put, and denies everyone else.
        allowKeyForObjects(keys.audit),
      ],
    });
  }

  /** A failed run is not retried: the next one is due in two minutes anyway. */
  private closeReadsBySchedule(): Rule {
    const { lambda } = this.function;
    const once = { retryAttempts: 0, maxEventAge: closingInterval };
    lambda.configureAsyncInvoke(once);
    return new Rule(this, 'CloseReads', {
      schedule: Schedule.rate(closingInterval),
      targets: [new LambdaFunction(lambda, once)],
    });
  }

  private follow(id: string, table: Table, kinds: readonly string[]): EventSourceMapping {
    return streamSource(this, id, { reader: this.function, table, kinds, maxBatchingWindow: Duration.seconds(5) });
  }
}
