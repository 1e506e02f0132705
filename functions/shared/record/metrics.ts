import type { Signal } from '../errors.ts';

/**
 * The steps that requests are counted by. They, the payers of the registry and the three outcomes are the only values
 * of dimensions.
 */
export type Step =
  'authorize' | 'callback' | 'redeem' | 'refresh' | 'revoke' | 'introspect' | 'fetch' | 'discovery' | 'canary';

/** `refused` is the caller's fault or the member's choice, `failed` the gateway's or the payer's. */
export type Outcome = 'ok' | 'refused' | 'failed';

/** Metrics that share their dimension sets. Those without a value are omitted. */
export interface MetricSet {
  /** CloudWatch bills one metric per set. The keys are members of the log line. */
  readonly dimensions: readonly (readonly string[])[];
  readonly metrics: Readonly<Record<string, readonly [number | undefined, 'Count' | 'Milliseconds' | 'Bytes']>>;
}

/** What CloudWatch files a stage's own metrics under. */
export const metricsNamespace = (stage: string): string => `p2p-gateway/${stage}`;

/**
 * Members of a log line from which CloudWatch Logs makes metrics, under `p2p-gateway/{stage}`. Every key of a dimension
 * set must be a member of the same line. Source: "Specification: Embedded metric format", CloudWatch user guide.
 * @param timestampMs the metrics' time, epoch milliseconds
 */
export const embeddedMetrics = (
  stage: string,
  timestampMs: number,
  sets: readonly MetricSet[],
): Readonly<Record<string, unknown>> => {
  const values: Record<string, number> = {};
  const directives = sets.flatMap(({ dimensions, metrics }) => {
    const given = Object.entries(metrics).flatMap(([name, [value, unit]]) => {
      if (value === undefined || dimensions.length === 0) return [];
      values[name] = value;
      return [{ Name: name, Unit: unit }];
    });
    return given.length === 0 ? [] : [{ Namespace: metricsNamespace(stage), Dimensions: dimensions, Metrics: given }];
  });
  return directives.length === 0 ? {} : { _aws: { Timestamp: timestampMs, CloudWatchMetrics: directives }, ...values };
};

/** The figures of a request. Its log line also has `step`, `payer` and `outcome`. */
export interface Counted {
  /** A request without a step, such as a preflight, is not counted. */
  readonly step?: Step;
  /** A payer of the registry, never text from the caller. */
  readonly payer?: string;
  readonly ms: number;
  readonly payerMs?: number;
  readonly bytes?: number;
  readonly signals?: readonly Signal[];
}

/**
 * A request's metrics.
 *
 * | metric           | dimension sets                                     |
 * | ---------------- | -------------------------------------------------- |
 * | `requests`       | step and outcome; payer, step and outcome          |
 * | `ms`             | step                                               |
 * | `payerMs`        | payer (milliseconds until the payer's headers)     |
 * | `bytes`          | payer                                              |
 * | each signal, 1   | none; payer                                        |
 *
 * CloudWatch bills a metric for each hour in which it has a value. A payer has at most 36: `requests` 26 (eight steps
 * with three outcomes, the canary with two), `payerMs`, `bytes`, and eight signals. An hour without failures has the
 * steps that happened (at most nine), and two. The stage itself has at most 43.
 */
export const requestMetrics = (
  stage: string,
  timestampMs: number,
  { step, payer, ms, payerMs, bytes, signals = [] }: Counted,
): Readonly<Record<string, unknown>> => {
  const isCounted = step !== undefined;
  const hasPayer = payer !== undefined && payer !== '';
  const ofPayer = hasPayer ? [['payer']] : [];
  return embeddedMetrics(stage, timestampMs, [
    {
      dimensions: isCounted ? [['step', 'outcome'], ...(hasPayer ? [['payer', 'step', 'outcome']] : [])] : [],
      metrics: { requests: [1, 'Count'] },
    },
    { dimensions: isCounted ? [['step']] : [], metrics: { ms: [ms, 'Milliseconds'] } },
    { dimensions: ofPayer, metrics: { payerMs: [payerMs, 'Milliseconds'], bytes: [bytes, 'Bytes'] } },
    {
      dimensions: [[], ...ofPayer],
      metrics: Object.fromEntries(signals.map((signal) => [signal, [1, 'Count'] as const])),
    },
  ]);
};
