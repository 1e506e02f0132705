import type { Context } from 'aws-lambda';
import { payerDownThreshold, requestMetrics } from '../shared/record/metrics.ts';
import type { DirectoryEntry } from '../shared/registry/entry-items.ts';
import { checkPayer, longestCheckMs, type CanaryDeps } from './check-payer.ts';

/** Payers checked at the same time. */
const parallel = 8;

/** Reserved to write the last lines. */
const reserveMs = 2000;

/** One line per payer, with metrics for alarms, like a request's. */
const checkAndReport = async (deps: CanaryDeps, payer: DirectoryEntry, requestId: string): Promise<void> => {
  const { clock, registry, writeLog } = deps;
  const time = new Date(clock.now()).toISOString();
  const startedAtMs = clock.monotonic();
  const detail = await checkPayer(deps, payer);
  const step = 'canary';
  const outcome = detail === undefined ? 'ok' : 'failed';
  const ms = Math.round((clock.monotonic() - startedAtMs) * 10) / 10;
  writeLog(
    JSON.stringify({
      level: detail === undefined ? 'info' : 'error',
      time,
      requestId,
      function: step,
      step,
      payer: payer.id,
      detail,
      outcome,
      ms,
      ...requestMetrics(registry.stage, clock.now(), {
        step,
        payer: payer.id,
        outcome,
        ms,
        ...(outcome === 'failed' ? { signals: ['payerDown'], signalCount: payerDownThreshold } : {}),
      }),
    }),
  );
};

/**
 * Checks every payer's facade from outside, on a schedule. A payer's line and metric say what is wrong with it.
 * @throws Error if the function's time did not suffice for all payers, which says nothing about them
 */
export const canaryHandler =
  (deps: CanaryDeps) =>
  async (_event: unknown, context: Pick<Context, 'awsRequestId' | 'getRemainingTimeInMillis'>): Promise<void> => {
    const waiting = [...(await deps.registry.directory())];
    const worker = async (): Promise<void> => {
      while (context.getRemainingTimeInMillis() > longestCheckMs + reserveMs) {
        const payer = waiting.shift();
        if (payer === undefined) return;
        await checkAndReport(deps, payer, context.awsRequestId);
      }
    };
    await Promise.all(Array.from({ length: parallel }, worker));
    if (waiting.length > 0) throw new Error(`There was no time for ${waiting.length} payers`);
  };
