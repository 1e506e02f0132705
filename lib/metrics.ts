import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Signal } from '../functions/shared/errors.ts';

interface Ended {
  readonly step: string;
  readonly outcome: string;
}

/** The gateway's own metrics, which functions write into their log lines (EMF). */
export interface GatewayMetrics {
  readonly namespace: string;
  /** How often alarms' signals were raised, for all payers or one. */
  readonly signal: (signal: Signal, payer?: string, period?: Duration) => Metric;
  /** How many requests ended so. */
  readonly requests: (dimensions: Ended) => Metric;
  /** A series for each payer, which an alarm names: how often a signal was raised, or how many requests ended so. */
  readonly signalByPayer: (signal: Signal) => MathExpression;
  readonly requestsByPayer: (dimensions: Ended) => MathExpression;
  /** Answers of fetch that were cut, under the time at which their requests began. */
  readonly answersCut: () => Metric;
  /** Milliseconds of a step. */
  readonly duration: (step: string, statistic: string) => Metric;
}

const fiveMinutes = Duration.minutes(5);

/** The metrics of a stage. */
export const gatewayMetrics = (stage: string): GatewayMetrics => {
  const namespace = `p2p-gateway/${stage}`;
  const metric = (metricName: string, dimensionsMap: Record<string, string>, statistic: string, period = fiveMinutes) =>
    new Metric({ namespace, metricName, dimensionsMap, statistic, period });
  /** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-querylanguage.html */
  const byPayer = (metricName: string, dimensions: readonly string[], where = '') =>
    new MathExpression({
      expression: `SELECT SUM(${metricName}) FROM SCHEMA("${namespace}", ${dimensions.join(', ')})${where} GROUP BY payer`,
      usingMetrics: {},
      period: fiveMinutes,
    });
  return {
    namespace,
    signal: (signal, payer, period) => metric(signal, payer === undefined ? {} : { payer }, Stats.SUM, period),
    requests: (dimensions) => metric('requests', { ...dimensions }, Stats.SUM),
    signalByPayer: (signal) => byPayer(signal, ['payer']),
    requestsByPayer: ({ step, outcome }) =>
      byPayer('requests', ['outcome', 'payer', 'step'], ` WHERE step = '${step}' AND outcome = '${outcome}'`),
    answersCut: () => metric('answersCut', {}, Stats.SUM),
    duration: (step, statistic) => metric('ms', { step }, statistic),
  };
};
