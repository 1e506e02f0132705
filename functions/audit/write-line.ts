import { causeOf } from '../shared/errors.ts';
import { embeddedMetrics, type MetricSet } from '../shared/metrics/metrics.ts';
import type { AuditDeps } from './deps.ts';

/** A log line of the audit function. */
interface Line {
  readonly level: 'info' | 'warn' | 'error';
  readonly counts: Readonly<Record<string, number>>;
  /** What was thrown, if anything. */
  readonly failure?: unknown;
  readonly metrics: MetricSet['metrics'];
}

/** Writes one line, with its metrics. */
export const writeLine = ({ clock, stage, writeLog }: AuditDeps, { level, counts, failure, metrics }: Line): void =>
  writeLog(
    JSON.stringify({
      level,
      time: new Date(clock.now()).toISOString(),
      function: 'audit',
      ...counts,
      ...(failure === undefined ? {} : { detail: causeOf(failure) }),
      ...embeddedMetrics(stage, clock.now(), [{ dimensions: [[]], metrics }]),
    }),
  );
