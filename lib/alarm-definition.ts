/** The definition of an alarm, and metrics that several alarms use. */
import { MathExpression, Metric, Stats, type IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { EventSourceMapping, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { period } from './metrics.ts';

/** The sections of `docs/alarms.md` that alarms link to. */
type RunbookSection =
  | 'payer-down'
  | 'many-payers'
  | 'refresh-failures'
  | 'reuse-detected'
  | 'server-errors'
  | 'slow-answers'
  | 'throttles'
  | 'audit-not-written'
  | 'audit-behind'
  | 'secret-missing'
  | 'limits-down'
  | 'registry-down'
  | 'registry-damaged'
  | 'canary-failed'
  | 'exports-failed'
  | 'follow-up-behind'
  | 'delivery-failed';

/** An alarm. */
export interface AlarmDefinition {
  /** Its construct's id, and the end of its name. */
  readonly id: string;
  readonly metric: IMetric;
  /** One sentence that tells the person on call what happened. */
  readonly says: string;
  readonly runbook: RunbookSection;
  /** @default 1 */
  readonly threshold?: number;
  /** How many out of how many periods must breach. @default [1, 1] */
  readonly breaching?: readonly [datapoints: number, periods: number];
  /** @default the metric is at or above the threshold; silence means all is well */
  readonly when?: 'atLeast' | 'belowOrSilent';
}

/** The sum of up to ten metrics, the most that an alarm may have; a missing one counts as 0. */
export const sumOf = (metrics: readonly Metric[]): MathExpression => {
  const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric]));
  return new MathExpression({
    expression: Object.keys(usingMetrics)
      .map((name) => `FILL(${name}, 0)`)
      .join(' + '),
    usingMetrics,
    label: 'total',
    period,
  });
};

/** How often Lambda polled a stream, whether or not there was a record. A disabled mapping does not poll. */
export const pollsOf = ({ eventSourceMappingId }: EventSourceMapping): Metric =>
  new Metric({
    namespace: 'AWS/Lambda',
    metricName: 'PolledEventCount',
    dimensionsMap: { EventSourceMappingUUID: eventSourceMappingId },
    statistic: Stats.SAMPLE_COUNT,
    period,
  });

/** The age of the oldest record that the function has not read, in milliseconds. */
export const ageOfOldest = (reader: LambdaFunction): Metric =>
  reader.metric('IteratorAge', { statistic: Stats.MAXIMUM, period });
