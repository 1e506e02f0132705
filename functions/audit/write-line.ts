import { causeOf } from '../shared/errors.ts';
import { embeddedMetrics, type MetricSet } from '../shared/record/metrics.ts';
import type { AuditDeps } from './deps.ts';

/** What a line of the audit function says. */
interface Line {
  readonly level: 'info' | 'warn' | 'error';
  readonly counts: Readonly<Record<string, number>>;
  /** What was thrown, where something was. */
  readonly failure?: unknown;
  readonly metrics: MetricSet['metrics'];
}

/** Writes one line, from which the metrics come. */
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
