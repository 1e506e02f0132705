import { Duration, Stack, Validations } from 'aws-cdk-lib';
import type { Bucket, CfnBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { grantLifeAttributes } from '../functions/shared/store/grants.ts';
import { longestReadSeconds } from '../functions/shared/store/read-events.ts';
import { collectAtWill, collectOften, oneArena } from './collect-often.ts';
import { acknowledgeVersions, DurableFunction } from './durable-function.ts';
import { edgeVariables } from './edge-variables.ts';
import { errorsVariables } from './errors-variables.ts';
import { exchangesOfExport, exchangesOfJob } from './exchanges.ts';
import { changedByJob, changedByPoll } from './export-attributes.ts';
import { exportsBucket } from './exports-bucket.ts';
import { GatewayFunction } from './gateway-function.ts';
import type { GatewayKeys } from './keys.ts';
import type { PayerSecrets } from './payer-secrets.ts';
import { allowRegistry, registryVariables } from './registry-reader.ts';
import type { GatewayRuntime } from './runtime.ts';
import {
  allow,
  allowExportBoxes,
  allowKeyForObjects,
  allowKeyForTables,
  allowKeyToReadObjects,
  allowOnlyWriting,
  onlyAttributes,
  onlyReadAttributes,
} from './statements.ts';
import type { GatewayTables } from './tables.ts';

export interface GatewayExportsProps {
  readonly runtime: GatewayRuntime;
  /** The public origin, without a trailing slash. */
  readonly origin: string;
  readonly tables: GatewayTables;
  readonly keys: GatewayKeys;
  readonly payerSecrets: PayerSecrets;
  /** Where S3 logs who accessed the files. */
  readonly accessLogs: Bucket;
}

/** Lambda ends an invocation after this long. The job suspends itself earlier. */
const invocationTimeout = Duration.minutes(15);

/**
 * Exports of whole records: the bucket, the job that fills it, the function that answers partners, and the sweep that
 * empties it.
 */
export class GatewayExports extends Construct {
  readonly bucket: Bucket;
  /** Answers status, files and DELETE. */
  readonly function: GatewayFunction;
  readonly job: DurableFunction;
  readonly sweep: DurableFunction;

  constructor(scope: Construct, id: string, props: GatewayExportsProps) {
    super(scope, id);
    const { runtime, keys, accessLogs } = props;
    this.bucket = exportsBucket(this, { config: runtime.config, key: keys.exports, accessLogs });
    this.job = this.jobFunction(props);
    this.sweep = this.sweepFunction(props);
    this.function = this.exportFunction(props);
    acknowledgeVersions(this.function, this.job);
    this.acknowledgeObjects();
  }

  private variables({ runtime, origin, tables }: GatewayExportsProps): Record<string, string> {
    return {
      ORIGIN: origin,
      ...registryVariables(runtime.config, tables),
      GRANTS_TABLE: tables.grants.tableName,
      EXPORTS_TABLE: tables.exports.tableName,
      EXPORTS_BUCKET: this.bucket.bucketName,
      AUDIT_TABLE: tables.auditEvents.tableName,
    };
  }

  private jobFunction(props: GatewayExportsProps): DurableFunction {
    const { runtime, tables, keys, payerSecrets } = props;
    const { concurrency, retention } = runtime.config;
    const ofExchanges = exchangesOfJob(tables, keys.exports, payerSecrets.exchangePrefix);
    return new DurableFunction(this, 'ExportJob', {
      runtime,
      folder: 'export-job',
      timeout: invocationTimeout,
      durable: { executionTimeout: Duration.days(7), retentionPeriod: Duration.days(7) },
      historyKey: keys.exports,
      startsSuccessor: true,
      environment: {
        ...this.variables(props),
        EXPORTS_KEY: keys.exports.keyArn,
        LIMITS_TABLE: tables.limits.tableName,
        EXPORT_FILE_SECONDS: String(Duration.days(retention.exportFileDays).toSeconds()),
        NODE_OPTIONS: collectAtWill,
        MALLOC_ARENA_MAX: oneArena,
        ...ofExchanges.variables,
      },
      policies: payerSecrets.readExchangePolicies,
      statements: [
        // The job may read whether the grant is still valid, but not the tokens in it.
        allow(['dynamodb:GetItem'], [tables.grants.tableArn], onlyReadAttributes(grantLifeAttributes)),
        allow(['dynamodb:GetItem'], [tables.exports.tableArn]),
        allowOnlyWriting(['dynamodb:UpdateItem'], [tables.exports.tableArn], onlyAttributes(changedByJob)),
        allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [tables.limits.tableArn]),
        allowOnlyWriting(['dynamodb:PutItem'], [tables.auditEvents.tableArn]),
        allow(['s3:PutObject'], this.objects('parts/*', 'state/*', 'manifest', 'kept')),
        allow(['s3:GetObject'], this.objects('state/*')),
        allowKeyForObjects(keys.exports),
        allowKeyToReadObjects(keys.exports),
        allowExportBoxes(keys.exports, ['kms:Decrypt', 'kms:GenerateDataKey']),
        ...ofExchanges.statements,
        allowRegistry(tables),
        allowKeyForTables(keys.data),
      ],
      reservedConcurrency: concurrency.exportJob,
    });
  }

  private sweepFunction({ runtime, keys }: GatewayExportsProps): DurableFunction {
    return new DurableFunction(this, 'Sweep', {
      runtime,
      folder: 'sweep',
      timeout: invocationTimeout,
      durable: { executionTimeout: Duration.days(3), retentionPeriod: Duration.days(1) },
      historyKey: keys.exports,
      environment: { EXPORTS_BUCKET: this.bucket.bucketName },
      statements: [
        allow(['s3:ListBucket'], [this.bucket.bucketArn]),
        allow(['s3:DeleteObject'], [this.bucket.arnForObjects('*')]),
        allow(['s3:GetObject'], this.objects('kept')),
        allowKeyToReadObjects(keys.exports),
      ],
      reservedConcurrency: runtime.config.concurrency.sweep,
    });
  }

  private exportFunction(props: GatewayExportsProps): GatewayFunction {
    const { runtime, tables, keys, payerSecrets } = props;
    const ofExchanges = exchangesOfExport(tables, keys.exports);
    return new GatewayFunction(this, 'Export', {
      runtime,
      folder: 'export',
      timeout: Duration.seconds(longestReadSeconds),
      environment: {
        ...this.variables(props),
        ...edgeVariables(runtime.config),
        ...errorsVariables(runtime.config),
        EXPORTS_KEY: keys.exports.keyArn,
        LIMITS_TABLE: tables.limits.tableName,
        PAYER_SECRET_PREFIX: payerSecrets.prefix,
        NODE_OPTIONS: collectOften,
        ...ofExchanges.variables,
      },
      policies: [payerSecrets.readPolicy],
      statements: [
        allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [tables.grants.tableArn, tables.limits.tableArn]),
        allow(['dynamodb:DeleteItem', 'dynamodb:GetItem'], [tables.exports.tableArn]),
        allowOnlyWriting(['dynamodb:UpdateItem'], [tables.exports.tableArn], onlyAttributes(changedByPoll)),
        allowOnlyWriting(['dynamodb:PutItem'], [tables.auditEvents.tableArn]),
        allow(['s3:GetObject'], this.objects('parts/*', 'manifest')),
        allowKeyToReadObjects(keys.exports),
        allowExportBoxes(keys.exports, ['kms:GenerateDataKey']),
        ...ofExchanges.statements,
        allow(['lambda:SendDurableExecutionCallbackSuccess'], [this.job.anyVersion]),
        allowRegistry(tables),
        allowKeyForTables(keys.data),
      ],
      reservedConcurrency: runtime.config.concurrency.export,
    });
  }

  /** The ARNs of these objects of every export. */
  private objects(...kinds: readonly string[]): string[] {
    return kinds.map((kind) => this.bucket.arnForObjects(`*/${kind}`));
  }

  private acknowledgeObjects(): void {
    const id = Stack.of(this).getLogicalId(this.bucket.node.defaultChild as CfnBucket);
    for (const objects of ['*', '*/parts/*', '*/state/*', '*/manifest', '*/kept']) {
      Validations.of(this).acknowledge({
        id: `AwsSolutions-IAM5[Resource::<${id}.Arn>/${objects}]`,
        reason: 'Names of objects begin with the id of their export, and exports come without a deployment.',
      });
    }
  }
}
