import type { IDistribution } from 'aws-cdk-lib/aws-cloudfront';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { IRule } from 'aws-cdk-lib/aws-events';
import type { EventSourceMapping, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { memberIndex } from '../functions/shared/store/member-index.ts';
import { openReads } from '../functions/shared/store/read-events.ts';
import type { GatewayApi } from './api.ts';
import type { GatewayAudit } from './audit.ts';
import type { GatewayCanary } from './canary.ts';
import type { GatewayEvents } from './events.ts';
import type { GatewayExports } from './exports.ts';
import type { GatewayFunctions } from './functions.ts';
import { period } from './metrics.ts';
import type { GatewayTables } from './tables.ts';

/** The functions that answer requests, and log one line for each. */
export const requestFunctions = ['authorize', 'callback', 'connections', 'token', 'fetch', 'discovery'] as const;

/** A table's stream, and what reads it. */
interface WatchedStream {
  readonly source: EventSourceMapping;
  readonly table: Table;
}

/** A table's global secondary index. */
export interface WatchedIndex {
  readonly table: Table;
  readonly index: string;
}

/** What alarms and dashboard look at, by the names that people know. */
export interface Watched {
  readonly stage: string;
  readonly apiName: string;
  /** CloudFront, in a stage with an edge. */
  readonly distribution?: IDistribution | undefined;
  readonly functions: Readonly<Record<string, LambdaFunction>> &
    Readonly<Record<'audit' | 'canary' | (typeof requestFunctions)[number], LambdaFunction>>;
  readonly tables: Readonly<Record<string, Table>>;
  readonly indexes: readonly WatchedIndex[];
  /** What reads the streams for the audit, by the name of the table. */
  readonly auditSources: Readonly<Record<string, WatchedStream>>;
  /** Starts the audit function on a schedule, to close reads that never ended. */
  readonly closing: IRule;
  /** Separate from the others, since an alarm adds up ten metrics at most. */
  readonly exportFunctions: Readonly<Record<'export' | 'exportJob' | 'followUp' | 'sweep' | 'deliver', LambdaFunction>>;
  /** Of exports, and in a stage with exchanges of those. */
  readonly exportTables: readonly Table[];
  /** The events that Lambda gave up. */
  readonly deadLetters: readonly Queue[];
  /** What reads the streams for `follow-up`, by the name of the table. */
  readonly followUpSources: Readonly<Record<string, WatchedStream>>;
}

/** The constructs that are watched. */
export interface WatchedParts {
  readonly api: GatewayApi;
  readonly distribution: IDistribution | undefined;
  readonly functions: GatewayFunctions;
  readonly tables: GatewayTables;
  readonly audit: GatewayAudit;
  readonly canary: GatewayCanary;
  readonly exports: GatewayExports;
  readonly events: GatewayEvents;
}

export const watchedOf = (
  stage: string,
  { api, distribution, functions, tables, audit, canary, exports, events }: WatchedParts,
): Watched => ({
  stage,
  apiName: api.restApi.restApiName,
  distribution,
  functions: {
    authorize: functions.authorize.lambda,
    callback: functions.callback.lambda,
    connections: functions.connections.lambda,
    token: functions.token.lambda,
    fetch: functions.fetch.lambda,
    discovery: functions.discovery.lambda,
    audit: audit.function.lambda,
    canary: canary.function.lambda,
  },
  tables: {
    loginAttempts: tables.loginAttempts,
    grants: tables.grants,
    auditEvents: tables.auditEvents,
    limits: tables.limits,
    registry: tables.registry,
  },
  indexes: [
    { table: tables.grants, index: memberIndex.index },
    { table: tables.auditEvents, index: openReads.index },
  ],
  auditSources: {
    AuditEvents: { source: audit.sources.AuditEvents, table: tables.auditEvents },
    Grants: { source: audit.sources.Grants, table: tables.grants },
    Registry: { source: audit.sources.Registry, table: tables.registry },
  },
  closing: audit.closing,
  exportFunctions: {
    export: exports.function.lambda,
    exportJob: exports.job.lambda,
    followUp: events.followUp.lambda,
    sweep: exports.sweep.lambda,
    deliver: events.deliver.lambda,
  },
  exportTables: [tables.exports, ...(tables.exchanges === undefined ? [] : [tables.exchanges])],
  deadLetters: [exports.job, exports.sweep, events.deliver].map(({ deadLetters }) => deadLetters),
  followUpSources: {
    Exports: { source: events.sources.Exports, table: tables.exports },
    Grants: { source: events.sources.Grants, table: tables.grants },
  },
});

/** A metric that API Gateway counts for the stage. */
export const apiMetric = ({ apiName, stage }: Watched, metricName: string): Metric =>
  new Metric({
    namespace: 'AWS/ApiGateway',
    metricName,
    dimensionsMap: { ApiName: apiName, Stage: stage },
    statistic: Stats.SUM,
    period,
  });

/**
 * A metric that CloudFront counts for a distribution, which it does in us-east-1 only, where a stage with an edge is
 * (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html).
 */
export const edgeMetric = (
  { distributionId: DistributionId }: IDistribution,
  metricName: string,
  statistic: string = Stats.SUM,
): Metric =>
  new Metric({
    namespace: 'AWS/CloudFront',
    metricName,
    dimensionsMap: { DistributionId, Region: 'Global' },
    statistic,
    period,
  });

/**
 * A metric that DynamoDB counts for a table, or for one of its global secondary indexes, which the table's does not include
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html).
 */
export const tableMetric = ({ tableName: TableName }: Table, metricName: string, index?: string): Metric =>
  new Metric({
    namespace: 'AWS/DynamoDB',
    metricName,
    dimensionsMap: { TableName, ...(index === undefined ? {} : { GlobalSecondaryIndexName: index }) },
    statistic: Stats.SUM,
    period,
  });
