import { Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Signal } from '../functions/shared/errors.ts';

/** The gateway's own metrics, which functions write into their log lines (EMF). */
export interface GatewayMetrics {
  readonly namespace: string;
  /** How often alarms' signals were raised, for all payers or one. */
  readonly signal: (signal: Signal, payer?: string, period?: Duration) => Metric;
  /** How many requests ended so. */
  readonly requests: (dimensions: { readonly step: string; readonly outcome: string }) => Metric;
  /** Milliseconds of a step. */
  readonly duration: (step: string, statistic: string) => Metric;
}

const fiveMinutes = Duration.minutes(5);

/** The metrics of a stage. */
export const gatewayMetrics = (stage: string): GatewayMetrics => {
  const namespace = `p2p-gateway/${stage}`;
  const metric = (metricName: string, dimensionsMap: Record<string, string>, statistic: string, period = fiveMinutes) =>
    new Metric({ namespace, metricName, dimensionsMap, statistic, period });
  return {
    namespace,
    signal: (signal, payer, period) => metric(signal, payer === undefined ? {} : { payer }, Stats.SUM, period),
    requests: (dimensions) => metric('requests', { ...dimensions }, Stats.SUM),
    duration: (step, statistic) => metric('ms', { step }, statistic),
  };
};
