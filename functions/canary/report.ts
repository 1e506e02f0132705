import type { Signal } from '../shared/errors.ts';
import { embeddedMetrics, payerDownThreshold, requestMetrics } from '../shared/metrics/metrics.ts';
import type { CanaryDeps } from './ask.ts';
import type { Result } from './check-payer.ts';

/** The check of one payer. */
export interface Reported {
  readonly requestId: string;
  readonly payer: string;
  readonly startedAtMs: number;
  /** Wall time, epoch milliseconds. */
  readonly timeMs: number;
  readonly result: Exclude<Result, 'gone'>;
}

const step = 'canary';

const elapsed = ({ clock }: CanaryDeps, startedAtMs: number): number =>
  Math.round((clock.monotonic() - startedAtMs) * 10) / 10;

/** Writes a payer's line, like a request's. A paused payer has no outcome, and is in no metric. */
export const writePayer = (deps: CanaryDeps, { requestId, payer, startedAtMs, timeMs, result }: Reported): void => {
  const { clock, registry, writeLog } = deps;
  const time = new Date(timeMs).toISOString();
  const ms = elapsed(deps, startedAtMs);
  const line = { time, requestId, function: step, step, payer };
  if (result === 'paused') {
    writeLog(JSON.stringify({ level: 'info', ...line, detail: 'the payer is paused, and was not checked', ms }));
    return;
  }
  const { findings, breakerOpened } = result;
  const isWell = findings.length === 0;
  const outcome = isWell ? 'ok' : 'failed';
  const signals: Signal[] = [
    ...(isWell ? [] : (['payerDown'] as const)),
    ...(breakerOpened ? (['breakerOpened'] as const) : []),
  ];
  writeLog(
    JSON.stringify({
      level: isWell ? 'info' : 'error',
      ...line,
      detail: isWell ? undefined : findings.join('; '),
      outcome,
      ms,
      ...requestMetrics(registry.stage, clock.now(), {
        step,
        payer,
        outcome,
        ms,
        signals,
        payerDownCount: payerDownThreshold,
      }),
    }),
  );
};

/** The most characters of a line that quotes what a payer publishes. */
const longestQuote = 500;

/** Writes a difference between a payer and its profile: an event for operators, which counts. */
export const writeDrift = (
  { clock, registry, writeLog }: CanaryDeps,
  { requestId, payer, difference }: Pick<Reported, 'requestId' | 'payer'> & { readonly difference: string },
): void => {
  const nowMs = clock.now();
  const detail = `drift: ${difference.slice(0, longestQuote)}`;
  const line = { level: 'warn', time: new Date(nowMs).toISOString(), requestId, function: step, payer, detail };
  const metrics = requestMetrics(registry.stage, nowMs, { payer, outcome: 'ok', ms: 0, signals: ['payerDrift'] });
  writeLog(JSON.stringify({ ...line, ...metrics }));
};

/** What a run did. */
export interface Counts {
  payers: number;
  checked: number;
  failed: number;
  paused: number;
}

/**
 * Writes the line of a whole run. Its metric has a value in each run, so that the alarm can tell a stage in which there is
 * nothing to check from one whose lines are lost. A run is well if a payer passed, or if the directory is whole and an
 * operator has paused every payer in it: a stage may have none.
 */
export const writeRun = (
  deps: CanaryDeps,
  { requestId, startedAtMs }: Pick<Reported, 'requestId' | 'startedAtMs'>,
  { isWell, ...counts }: Counts & { readonly isWell: boolean },
): void => {
  const nowMs = deps.clock.now();
  const line = { level: isWell ? 'info' : 'error', time: new Date(nowMs).toISOString(), requestId, function: step };
  const metrics = embeddedMetrics(deps.registry.stage, nowMs, [
    { dimensions: [[]], metrics: { canaryWell: isWell ? 1 : 0 } },
  ]);
  deps.writeLog(JSON.stringify({ ...line, ...counts, ms: elapsed(deps, startedAtMs), ...metrics }));
};
