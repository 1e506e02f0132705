import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, SearchExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Signal } from '../functions/shared/errors.ts';
import {
  metricsNamespace,
  type MetricName,
  type Outcome,
  type signalsByPayer,
  type Step,
} from '../functions/shared/metrics/metrics.ts';

interface Ended {
  readonly step: Step;
  readonly outcome: Outcome;
}

/** The gateway's own metrics, which functions write into their log lines (EMF). */
export interface GatewayMetrics {
  /** How often a signal was raised, for all payers together. */
  readonly signal: (signal: Signal, period?: Duration) => Metric;
  /** How many requests ended this way. */
  readonly requests: (ended: Ended, period?: Duration) => Metric;
  /** How many exports ended this way. */
  readonly exportsEnded: (outcome: 'completed' | 'partial', period?: Duration) => Metric;
  /** How often a signal was raised: one series for each payer that it was raised for, which an alarm names. */
  readonly signalByPayer: (signal: (typeof signalsByPayer)[number]) => MathExpression;
  /** The requests that failed: one series for each of the payers with the most. */
  readonly worstPayers: (payers: number) => MathExpression;
  /** Answers of a function that were cut off, counted in each minute in which Lambda may have begun their requests. */
  readonly answersCut: (of: 'fetch' | 'export') => Metric;
  /** Reads that the audit closed because their end is unknown. */
  readonly auditEndUnknown: () => Metric;
  /** Changes of grants and exports that could not be followed up; most are tried again. */
  readonly followUpFailed: () => Metric;
  /** Runs of the canary in which a payer passed, or none was to be checked. */
  readonly canaryWell: () => Metric;
  /** Milliseconds of a step. */
  readonly duration: (step: Step, statistic: string) => Metric;
  /** Of all payers together: milliseconds until the payer's headers arrive, and bytes of health data. */
  readonly payerDuration: (statistic: string) => Metric;
  readonly bytes: () => Metric;
  /** Every series of a metric with these dimensions. None has a payer. */
  readonly search: (dimensions: readonly string[], metricName: MetricName, statistic: string) => SearchExpression;
}

/** How long one data point of an alarm or a graph is. */
export const period = Duration.minutes(5);

/** The metrics of a stage. */
export const gatewayMetrics = (stage: string): GatewayMetrics => {
  const namespace = metricsNamespace(stage);
  const metric = (
    metricName: MetricName,
    dimensionsMap: Record<string, string>,
    statistic: string = Stats.SUM,
    each = period,
  ) => new Metric({ namespace, metricName, dimensionsMap, statistic, period: each });
  /**
   * An alarm of several series needs an order: above 500 series CloudWatch evaluates the first 500
   * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Metrics_Insights_Alarm.html).
   */
  const byPayer = (
    metricName: MetricName,
    dimensions: readonly string[],
    more: { where?: string; limit?: string } = {},
  ) =>
    new MathExpression({
      expression: [
        `SELECT SUM(${metricName}) FROM SCHEMA("${namespace}", ${dimensions.join(', ')})`,
        ...(more.where === undefined ? [] : [`WHERE ${more.where}`]),
        'GROUP BY payer ORDER BY SUM() DESC',
        ...(more.limit === undefined ? [] : [`LIMIT ${more.limit}`]),
      ].join(' '),
      usingMetrics: {},
      period,
    });
  return {
    signal: (signal, each) => metric(signal, {}, Stats.SUM, each),
    requests: (ended, each) => metric('requests', { ...ended }, Stats.SUM, each),
    exportsEnded: (outcome, each) => metric('exports', { outcome }, Stats.SUM, each),
    signalByPayer: (signal) => byPayer(signal, ['payer']),
    worstPayers: (payers) =>
      byPayer('requests', ['outcome', 'payer', 'step'], { where: "outcome = 'failed'", limit: String(payers) }),
    answersCut: (of) => metric('answersCut', { function: of }),
    auditEndUnknown: () => metric('auditEndUnknown', {}),
    followUpFailed: () => metric('followUpFailed', {}),
    canaryWell: () => metric('canaryWell', {}),
    duration: (step, statistic) => metric('ms', { step }, statistic),
    payerDuration: (statistic) => metric('payerMs', {}, statistic),
    bytes: () => metric('bytes', {}),
    search: (dimensions, metricName, statistic) =>
      new SearchExpression({
        expression: `SEARCH('{"${namespace}",${dimensions.join(',')}} MetricName="${metricName}"', '${statistic}', ${period.toSeconds()})`,
        label: '',
        period,
      }),
  };
};
