import type { DurableContext } from '@aws/durable-execution-sdk-js';
import { nowSeconds } from '../shared/clock.ts';
import { askForToken } from '../shared/store/exports.ts';
import { getRunning, type Job } from './job/job.ts';
import { withCause } from './job/log.ts';
import { patiently } from './retries.ts';

/**
 * Asks the next poll for a newer token. Returns false if there is one already, or the export is gone; the next leg then
 * reads the item.
 */
const ask = async ({ deps, exportId }: Job, callbackId: string, refusedVersion: number): Promise<boolean> => {
  try {
    const item = await getRunning(deps, exportId);
    if (item === undefined) return false;
    return await askForToken(deps.exports, item, { callbackId, refusedVersion, now: nowSeconds(deps.clock) });
  } catch (error) {
    throw withCause(error);
  }
};

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
