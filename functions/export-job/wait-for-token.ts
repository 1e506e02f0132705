import type { DurableContext } from '@aws/durable-execution-sdk-js';
import { nowSeconds } from '../shared/clock.ts';
import { askForToken } from '../shared/store/exports.ts';
import { inStep } from './job/in-step.ts';
import type { Job } from './job/job.ts';
import { patiently } from './retries.ts';

/**
 * Asks the next poll for a newer token. Returns false if there is one already, or the export is gone; the next leg then
 * reads the item.
 */
const ask = (job: Job, callbackId: string, refusedVersion: number): Promise<boolean> =>
  inStep(job, 'ask-for-token', async (item) => {
    const { exports, clock } = job.deps;
    return item !== undefined && askForToken(exports, item, { callbackId, refusedVersion, now: nowSeconds(clock) });
  });

/**
 * Waits until the partner's poll has put a newer payer token on the item. The callback carries no token. It is created
 * before the item is updated, so that no wake-up is lost.
 * @returns whether to go on; false if nobody polled in time
 */
export const waitForToken = async (
  job: Job,
  context: DurableContext,
  { version: refusedVersion, seconds }: { readonly version: number; readonly seconds: number },
): Promise<boolean> => {
  const [polled, callbackId] = await context.createCallback('token', { timeout: { seconds } });
  const isAsked = await context.step('ask-for-token', () => ask(job, callbackId, refusedVersion), {
    retryStrategy: patiently,
  });
  if (!isAsked) return true;
  try {
    await polled;
    return true;
  } catch {
    return false;
  }
};
