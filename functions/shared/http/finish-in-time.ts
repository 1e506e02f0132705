import type { Context } from 'aws-lambda';
import { unavailable } from '../errors.ts';

/** API Gateway's 29 s start before the function's time, by the cold start if there was one. */
const reserveMs = 4000;

/**
 * Runs the steps of a buffered answer, and gives up on them while there is still time to answer. Each call has its own
 * limits, but slow ones add up. Calls under way may have had their effects, as after a lost answer. Lambda then freezes the
 * environment: what would follow them runs during a later call, or never.
 * @throws GatewayError `temporarily_unavailable` when time is up, or what the steps threw
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
