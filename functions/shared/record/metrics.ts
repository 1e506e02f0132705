import type { Signal } from '../errors.ts';

/**
 * The steps that requests are counted by. With the payers of the registry and the three outcomes they are all that ever
 * becomes a dimension.
 */
export type Step =
  'authorize' | 'callback' | 'redeem' | 'refresh' | 'revoke' | 'introspect' | 'fetch' | 'discovery' | 'canary';

/** `refused` is the caller's fault or the member's choice, `failed` the gateway's or the payer's. */
export type Outcome = 'ok' | 'refused' | 'failed';

/** Metrics that share their dimension sets; those without a value are left out. */
export interface MetricSet {
  /** Each set makes a metric of its own, which CloudWatch bills. The keys are members of the log line. */
  readonly dimensions: readonly (readonly string[])[];
  readonly metrics: Readonly<Record<string, readonly [number | undefined, 'Count' | 'Milliseconds' | 'Bytes']>>;
}

/**
 * Members of a log line that CloudWatch Logs makes metrics of, under `p2p-gateway/{stage}`. Every key of a dimension set
 * must be a member of the same line. Source: "Specification: Embedded metric format", CloudWatch user guide.
 * @param timestampMs when it is counted, epoch milliseconds
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
    return given.length === 0 ? [] : [{ Namespace: `p2p-gateway/${stage}`, Dimensions: dimensions, Metrics: given }];
  });
  return directives.length === 0 ? {} : { _aws: { Timestamp: timestampMs, CloudWatchMetrics: directives }, ...values };
};

/** What of a request is counted; its log line holds `step`, `payer` and `outcome` too. */
export interface Counted {
  /** A request without a step, such as a preflight, is not counted. */
  readonly step?: Step;
  /** A payer of the registry, never what a caller wrote. */
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
 * CloudWatch bills a metric for each hour in which it has a value. A payer has at most 36: `requests` 26 (eight steps in
 * three outcomes, the canary in two), `payerMs`, `bytes`, and eight signals. In an hour in which all goes well they are
 * the steps that happened (at most nine) and two. The stage itself has at most 43.
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
