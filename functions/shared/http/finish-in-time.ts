import type { Context } from 'aws-lambda';
import { unavailable } from '../errors.ts';

/** API Gateway's 29 s began before ours, by the start of the function where it had to start. */
const reserveMs = 4000;

/**
 * Runs the steps of a buffered answer, and gives up on them while there is still time to say so: each call has limits of
 * its own, but slow ones add up. What is under way goes on, and its effects stand, as after an answer that was lost.
 * @throws GatewayError `temporarily_unavailable` where time is over, or what the steps threw
 */
export const finishInTime = async <T>(
  context: Pick<Context, 'getRemainingTimeInMillis'>,
  steps: () => Promise<T>,
): Promise<T> => {
  const late = Promise.withResolvers<never>();
  const leftMs = Math.max(0, context.getRemainingTimeInMillis() - reserveMs);
  const timer = setTimeout(() => late.reject(unavailable('time budget is over')), leftMs);
  try {
    return await Promise.race([steps(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
};
