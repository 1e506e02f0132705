/** The definition of an alarm, and metrics that several alarms use. */
import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats, type IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { EventSourceMapping, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { period, type GatewayMetrics } from './metrics.ts';
import { tableMetric, type WatchedIndex } from './watched.ts';

/** The sections of `docs/alarms.md` that alarms link to. */
type RunbookSection =
  | 'payer-down'
  | 'payer-drift'
  | 'many-payers'
  | 'refresh-failures'
  | 'reuse-detected'
  | 'server-errors'
  | 'edge-errors'
  | 'slow-answers'
  | 'throttles'
  | 'audit-not-written'
  | 'audit-times-differ'
  | 'audit-behind'
  | 'secret-missing'
  | 'codes-refused'
  | 'limits-down'
  | 'registry-down'
  | 'registry-damaged'
  | 'canary-failed'
  | 'exports-failed'
  | 'events-given-up'
  | 'follow-up-behind'
  | 'delivery-failed'
  | 'objectives';

/** An alarm. */
export interface AlarmDefinition {
  /** Its construct's id, and the end of its name. */
  readonly id: string;
  readonly metric: IMetric;
  /** One sentence that tells the person on call what happened. */
  readonly says: string;
  readonly runbook: RunbookSection;
  /** `page`: someone must act now, day or night. `ticket`: it can wait until the next working day. */
  readonly severity: 'page' | 'ticket';
  /** @default 1 */
  readonly threshold?: number;
  /**
   * How many out of how many periods must breach. Lambda counts an error at the time at which the invocation began, and
   * publishes it after its end, so an alarm on errors looks back over the longest invocation too.
   * @default [1, 1]
   */
  readonly breaching?: readonly [datapoints: number, periods: number];
  /** @default the metric is at or above the threshold; missing data counts as healthy */
  readonly when?: 'atLeast' | 'belowOrSilent';
}

/**
 * The sum of metrics by their ids, with a value in each period. `FILL` fills gaps; AWS does not document that it makes a value for a series
 * with no data. Without a value a comparison has none either, so an alarm would never ring, or not stop. In a sum a missing value counts as 0
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html#metric-math-syntax-arithmetic). CloudWatch ignores
 * missing data of DynamoDB, whatever an alarm says of it
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html).
 */
export const totalOf = (...names: readonly string[]): string =>
  ['TIME_SERIES(0)', ...names.map((name) => `FILL(${name}, 0)`)].join(' + ');

/** The sum of up to ten metrics, the most that an alarm may have; a missing one counts as 0. */
export const sumOf = (metrics: readonly Metric[]): MathExpression => {
  const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric]));
  return new MathExpression({
    expression: totalOf(...Object.keys(usingMetrics)),
    usingMetrics,
    label: 'total',
    period,
  });
};

/** The throttled reads and writes of up to five tables or indexes. */
export const throttlesOf = (all: readonly (Pick<WatchedIndex, 'table'> & Partial<WatchedIndex>)[]): MathExpression =>
  sumOf(
    all.flatMap(({ table, index }) =>
      ['ReadThrottleEvents', 'WriteThrottleEvents'].map((name) => tableMetric(table, name, index)),
    ),
  );

/**
 * Errors of functions, one of which streams. Lambda counts a cut answer as an error of the function that streams it; those are
 * subtracted, but never more than it has, so that they hide no other function's errors.
 */
export const crashesOf = (
  metrics: GatewayMetrics,
  others: readonly LambdaFunction[],
  [name, streams]: readonly ['fetch' | 'export', LambdaFunction],
): MathExpression => {
  const errors = sumOf(others.map((lambda) => lambda.metricErrors({ period })));
  return new MathExpression({
    expression: `${errors.expression} + IF(${totalOf(name)} > ${totalOf('cut')}, ${totalOf(name)} - FILL(cut, 0), 0)`,
    usingMetrics: { ...errors.usingMetrics, [name]: streams.metricErrors({ period }), cut: metrics.answersCut(name) },
    label: 'crashes',
    period,
  });
};

/**
 * 1 for an hour in which the table was written to and Lambda did not poll its stream: the mapping is disabled or broken. A
 * table at rest is no alarm, whether Lambda reports polls of an idle stream as 0 or not at all. What waits in a stream is
 * kept for 24 hours.
 */
export const unreadStream = ({ eventSourceMappingId }: EventSourceMapping, table: Table): MathExpression => {
  const hour = Duration.hours(1);
  const polls = new Metric({
    namespace: 'AWS/Lambda',
    metricName: 'PolledEventCount',
    dimensionsMap: { EventSourceMappingUUID: eventSourceMappingId },
    statistic: Stats.SAMPLE_COUNT,
  });
  const writes = tableMetric(table, 'ConsumedWriteCapacityUnits');
  return new MathExpression({
    expression: `IF(${totalOf('writes')} > 0 AND ${totalOf('polls')} < 1, 1, 0)`,
    usingMetrics: { writes, polls },
    label: 'unread',
    period: hour,
  });
};

/** The age of the oldest record that the function has not read, in milliseconds. */
export const ageOfOldest = (reader: LambdaFunction): Metric =>
  reader.metric('IteratorAge', { statistic: Stats.MAXIMUM, period });
