import { Duration } from 'aws-cdk-lib';
import type { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { acknowledgeVersions, DurableFunction } from './durable-function.ts';
import type { GatewayExports } from './exports.ts';
import { GatewayFunction } from './gateway-function.ts';
import type { GatewayKeys } from './keys.ts';
import { allowRegistry, registryVariables } from './registry-reader.ts';
import type { GatewayRuntime } from './runtime.ts';
import { acknowledgePrefix, readSecretsUnder } from './secret-prefix.ts';
import { allow, allowKeyForTables, allowOnlyWriting, onlyItems } from './statements.ts';
import { acknowledgeStreams, readStreams, streamSource } from './stream-source.ts';
import type { GatewayTables } from './tables.ts';

export interface GatewayEventsProps {
  readonly runtime: GatewayRuntime;
  readonly tables: GatewayTables;
  readonly keys: GatewayKeys;
  readonly exports: GatewayExports;
}

/**
 * Follows up changes of grants and exports: jobs start, an export ends with its grant, files are swept, and partners
 * get events.
 */
export class GatewayEvents extends Construct {
  /** Reads the streams of grants and exports. */
  readonly followUp: GatewayFunction;
  /** Delivers one event to one partner. */
  readonly deliver: DurableFunction;
  /** The event source mappings of the streams, by table. */
  readonly sources: Readonly<Record<'Grants' | 'Exports', EventSourceMapping>>;

  constructor(scope: Construct, id: string, props: GatewayEventsProps) {
    super(scope, id);
    const { tables, exports } = props;
    this.deliver = this.deliverFunction(props);
    this.followUp = this.followUpFunction(props);
    for (const durable of [exports.job, exports.sweep, this.deliver]) acknowledgeVersions(this.followUp, durable);
    acknowledgeStreams(this.followUp, [tables.grants, tables.exports]);
    this.sources = {
      Grants: this.follow('GrantsSource', tables.grants, Duration.seconds(1)),
      // A partner waits for its job to begin.
      Exports: this.follow('ExportsSource', tables.exports, Duration.seconds(0)),
    };
  }

  private deliverFunction({ runtime, tables, keys }: GatewayEventsProps): DurableFunction {
    const prefix = `p2p/${runtime.config.stage}/webhooks/`;
    const deliver = new DurableFunction(this, 'Deliver', {
      runtime,
      folder: 'deliver',
      timeout: Duration.minutes(1),
      durable: { executionTimeout: Duration.days(5), retentionPeriod: Duration.days(30) },
      historyKey: keys.exports,
      environment: {
        ...registryVariables(runtime.config, tables),
        LIMITS_TABLE: tables.limits.tableName,
        WEBHOOK_SECRET_PREFIX: prefix,
      },
      statements: [
        allow(['dynamodb:GetItem', 'dynamodb:PutItem'], [tables.limits.tableArn], onlyItems('webhook#*')),
        ...readSecretsUnder(this, prefix, keys.data),
        allowRegistry(tables),
        allowKeyForTables(keys.data),
      ],
      reservedConcurrency: runtime.config.concurrency.deliver,
    });
    acknowledgePrefix(
      deliver,
      prefix,
      "A partner's webhook comes without a deployment. The prefix holds the secrets of this stage's webhooks and nothing else.",
    );
    return deliver;
  }

  private followUpFunction({ runtime, tables, keys, exports }: GatewayEventsProps): GatewayFunction {
    const durable = [exports.job, exports.sweep, this.deliver];
    return new GatewayFunction(this, 'FollowUp', {
      runtime,
      folder: 'follow-up',
      timeout: Duration.minutes(1),
      environment: {
        ...registryVariables(runtime.config, tables),
        EXPORTS_TABLE: tables.exports.tableName,
        EXPORT_JOB: exports.job.currentArn,
        SWEEP: exports.sweep.currentArn,
        DELIVER: this.deliver.currentArn,
      },
      statements: [
        ...readStreams([tables.grants, tables.exports]),
        allowOnlyWriting(['dynamodb:DeleteItem'], [tables.exports.tableArn]),
        allow(
          ['lambda:InvokeFunction'],
          durable.map(({ anyVersion }) => anyVersion),
        ),
        allowRegistry(tables),
        allowKeyForTables(keys.data),
      ],
      reservedConcurrency: runtime.config.concurrency.followUp,
    });
  }

  private follow(id: string, table: GatewayTables['grants'], maxBatchingWindow: Duration): EventSourceMapping {
    return streamSource(this, id, {
      reader: this.followUp,
      table,
      // TTL removes items too: their files must be swept, and partners told.
      kinds: ['INSERT', 'MODIFY', 'REMOVE'],
      maxBatchingWindow,
      namesFailures: true,
    });
  }
}
