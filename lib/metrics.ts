import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, SearchExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Signal } from '../functions/shared/errors.ts';
import { metricsNamespace, type Outcome, type Step } from '../functions/shared/record/metrics.ts';

interface Ended {
  readonly step: Step;
  readonly outcome: Outcome;
}

/** The gateway's own metrics, which functions write into their log lines (EMF). */
export interface GatewayMetrics {
  /** How often a signal was raised, for all payers together. */
  readonly signal: (signal: Signal, period?: Duration) => Metric;
  /** How many requests ended this way. */
  readonly requests: (ended: Ended) => Metric;
  /** One series per payer, which an alarm names: how often a signal was raised, or how many requests ended this way. */
  readonly signalByPayer: (signal: Signal) => MathExpression;
  readonly requestsByPayer: (ended: Ended) => MathExpression;
  /** Answers of fetch that were cut off, counted at the time their requests began. */
  readonly answersCut: () => Metric;
  /** Reads that the audit closed because their end is unknown. */
  readonly auditEndUnknown: () => Metric;
  /** Milliseconds of a step. */
  readonly duration: (step: Step, statistic: string) => Metric;
  /** Every series with these dimensions that matches the filter: a new payer needs no new graph. */
  readonly search: (dimensions: readonly string[], filter: string, statistic: string) => SearchExpression;
}

/** How long one data point of an alarm or a graph is. */
export const period = Duration.minutes(5);

/** The metrics of a stage. */
export const gatewayMetrics = (stage: string): GatewayMetrics => {
  const namespace = metricsNamespace(stage);
  const metric = (
    metricName: string,
    dimensionsMap: Record<string, string>,
    statistic: string = Stats.SUM,
    each = period,
  ) => new Metric({ namespace, metricName, dimensionsMap, statistic, period: each });
  /** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-querylanguage.html */
  const byPayer = (metricName: string, dimensions: readonly string[], where = '') =>
    new MathExpression({
      expression: `SELECT SUM(${metricName}) FROM SCHEMA("${namespace}", ${dimensions.join(', ')})${where} GROUP BY payer`,
      usingMetrics: {},
      period,
    });
  return {
    signal: (signal, each) => metric(signal, {}, Stats.SUM, each),
    requests: (ended) => metric('requests', { ...ended }),
    signalByPayer: (signal) => byPayer(signal, ['payer']),
    requestsByPayer: ({ step, outcome }) =>
      byPayer('requests', ['outcome', 'payer', 'step'], ` WHERE step = '${step}' AND outcome = '${outcome}'`),
    answersCut: () => metric('answersCut', {}),
    auditEndUnknown: () => metric('auditEndUnknown', {}),
    duration: (step, statistic) => metric('ms', { step }, statistic),
    search: (dimensions, filter, statistic) =>
      new SearchExpression({
        expression: `SEARCH('{"${namespace}",${dimensions.join(',')}} ${filter}', '${statistic}', ${period.toSeconds()})`,
        label: '',
        period,
      }),
  };
};
