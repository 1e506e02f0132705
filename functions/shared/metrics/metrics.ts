import { signals as allSignals, type Signal } from '../errors.ts';

/** Writes one line of the structured log. */
export type WriteLog = (line: string) => void;

/**
 * The steps that requests are counted by. They, the payers of the registry and the three outcomes are the only values
 * of dimensions. How many payers there are must cost nothing while they work, so a payer is a dimension only of what
 * failed; log lines have every request's payer and partner.
 */
export type Step =
  | 'authorize'
  | 'callback'
  | 'connections'
  | 'redeem'
  | 'refresh'
  | 'identity'
  | 'system'
  | 'revoke'
  | 'introspect'
  | 'fetch'
  | 'export'
  | 'discovery'
  | 'canary';

/** `refused` is the caller's fault or the member's choice, `failed` the gateway's or the payer's. */
export type Outcome = 'ok' | 'refused' | 'failed';

/** Every metric that is no signal, with its unit. */
const figures = {
  requests: 'Count',
  ms: 'Milliseconds',
  /** Until the payer's headers arrive. */
  payerMs: 'Milliseconds',
  bytes: 'Bytes',
  /** Answers that were cut, by function; twice if Lambda may have begun the request in the minute before. */
  answersCut: 'Count',
  auditEvents: 'Count',
  /** How old the oldest event of a batch is. */
  auditLagMs: 'Milliseconds',
  /** Reads that the audit closed because their end is unknown. */
  auditEndUnknown: 'Count',
  /** Exports that ended, by outcome. */
  exports: 'Count',
  exportResources: 'Count',
  exportMs: 'Milliseconds',
  /** Changes of grants and exports that could not be followed up. */
  followUpFailed: 'Count',
  /** Runs of the canary: 1 if a payer passed or none is to be checked, otherwise 0. */
  canaryWell: 'Count',
} as const;

/** A metric of a stage. Each signal is one, and counts. */
export type MetricName = keyof typeof figures | Signal;

const units: Readonly<Record<string, 'Count' | 'Milliseconds' | 'Bytes'>> = figures;

/** Every metric of a stage. The dashboard uses it; the mark lets a bundle leave it out. */
export const metricNames = /* @__PURE__ */ Object.keys(figures).concat(allSignals) as readonly MetricName[];

/** Metrics that share their dimension sets. Those without a value are omitted. */
export interface MetricSet {
  /** CloudWatch bills one metric per set. The keys are members of the log line. */
  readonly dimensions: readonly (readonly string[])[];
  readonly metrics: Readonly<Partial<Record<MetricName, number | undefined>>>;
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
    const given = Object.entries(metrics).flatMap(([name, value]) => {
      if (value === undefined || dimensions.length === 0) return [];
      values[name] = value;
      return [{ Name: name, Unit: units[name] ?? 'Count' }];
    });
    return given.length === 0 ? [] : [{ Namespace: metricsNamespace(stage), Dimensions: dimensions, Metrics: given }];
  });
  return directives.length === 0 ? {} : { _aws: { Timestamp: timestampMs, CloudWatchMetrics: directives }, ...values };
};

/** Signals that are counted for each payer too, since their alarm names the payers. */
export const signalsByPayer = ['payerDown'] as const satisfies readonly Signal[];

const namesPayers = (signal: Signal): boolean => (signalsByPayer as readonly Signal[]).includes(signal);

/**
 * The failures of a payer within five minutes at which the alarm names it. A failed check of the canary counts as that
 * many, since there is one in five minutes and it must be enough by itself.
 */
export const payerDownThreshold = 3;

/** The figures of a request. Its log line also has `step`, `payer` and `outcome`. */
export interface Counted {
  /** A request without a step, such as a preflight, is not counted. */
  readonly step?: Step;
  /** A payer of the registry, never text from the caller. */
  readonly payer?: string;
  readonly outcome: Outcome;
  readonly ms: number;
  readonly payerMs?: number;
  readonly bytes?: number;
  readonly signals?: readonly Signal[];
  /** What `payerDown` counts as. @default 1 */
  readonly payerDownCount?: number;
}

/**
 * A request's metrics.
 *
 * | metric           | dimension sets                                                |
 * | ---------------- | ------------------------------------------------------------- |
 * | `requests`       | step and outcome; if it failed also payer, step and outcome   |
 * | `ms`             | step                                                          |
 * | `payerMs`        | none (milliseconds until the payer's headers arrive)          |
 * | `bytes`          | none                                                          |
 * | each signal      | none; those of {@link signalsByPayer} also payer              |
 *
 * CloudWatch bills a metric for each hour in which it has a value. A payer that works has no metrics of its own. One for which
 * everything fails has `requests` for each step, and one signal. The stage has `requests` for each step and outcome, `ms` for each
 * step, `payerMs`, `bytes`, and each signal.
 */
export const requestMetrics = (
  stage: string,
  timestampMs: number,
  { step, payer, outcome, ms, payerMs, bytes, signals = [], payerDownCount = 1 }: Counted,
): Readonly<Record<string, unknown>> => {
  const isCounted = step !== undefined;
  const hasPayer = payer !== undefined && payer !== '';
  const counted = (of: readonly Signal[]) =>
    Object.fromEntries(of.map((signal) => [signal, signal === 'payerDown' ? payerDownCount : 1]));
  return embeddedMetrics(stage, timestampMs, [
    {
      dimensions: isCounted
        ? [['step', 'outcome'], ...(hasPayer && outcome === 'failed' ? [['payer', 'step', 'outcome']] : [])]
        : [],
      metrics: { requests: 1 },
    },
    { dimensions: isCounted ? [['step']] : [], metrics: { ms } },
    {
      dimensions: [[]],
      metrics: {
        payerMs,
        bytes,
        ...counted(signals.filter((signal) => !namesPayers(signal))),
      },
    },
    { dimensions: [[], ...(hasPayer ? [['payer']] : [])], metrics: counted(signals.filter(namesPayers)) },
  ]);
};
