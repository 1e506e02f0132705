import { createRetryStrategy, JitterStrategy, type DurableExecutionHandler } from '@aws/durable-execution-sdk-js';
import { grantOfExport } from '../shared/exports/export-id.ts';
import { deleteObjects } from './delete-objects.ts';
import type { SweepDeps } from './deps.ts';

/** The objects to delete. */
export interface SweepInput {
  readonly exportId: string;
  /** Whether the manifest and its parts stay. */
  readonly keep: boolean;
}

/** When objects are deleted again: a job whose export is gone may run, and write, until its function ends, 15 minutes at most. */
export const againMinutes = 20;

/** Retries for about 20 hours. */
export const sweepRetries = createRetryStrategy({
  maxAttempts: 30,
  initialDelay: { seconds: 5 },
  backoffRate: 2,
  maxDelay: { hours: 1 },
  jitter: JitterStrategy.HALF,
});

/**
 * Deletes an export's objects, and again when its job can no longer be running.
 * @throws Error if the input names no export: an empty prefix would match all exports
 */
export const sweepHandler =
  (deps: SweepDeps): DurableExecutionHandler<SweepInput, { readonly deleted: number }> =>
  async ({ exportId, keep }, context) => {
    if (grantOfExport(exportId) === undefined) throw new Error('no export is named');
    const first = await context.step('delete', () => deleteObjects(deps, { exportId, keep }), {
      retryStrategy: sweepRetries,
    });
    await context.wait('until nothing runs', { minutes: againMinutes });
    const second = await context.step('delete again', () => deleteObjects(deps, { exportId, keep }), {
      retryStrategy: sweepRetries,
    });
    return { deleted: first + second };
  };
