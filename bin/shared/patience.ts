import { causeOf } from '../../functions/shared/errors.ts';

/** Waits, in milliseconds; passed in. */
export type Wait = (ms: number) => Promise<void>;

/** Failures that pass: DynamoDB limits or fails for a moment, or the line does. Whether a write was made is not known. */
const passing =
  /Throttling|ThroughputExceeded|RequestLimitExceeded|TooManyRequests|InternalServerError|InternalFailure|ServiceUnavailable|TransactionConflict|TimeoutError|ETIMEDOUT|ECONNRESET|EPIPE/;

const mostTries = 8;
const firstPauseMs = 200;
const longestPauseMs = 10_000;

/**
 * Repeats a call that fails for a moment, with longer and longer pauses: half a minute in all, beyond the repeats of the
 * SDK.
 * @throws the call's own error, if it does not pass
 */
export const patiently = async <T>(wait: Wait, call: () => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (tries === mostTries || !passing.test(causeOf(error))) throw error;
      await wait(Math.min(longestPauseMs, firstPauseMs * 2 ** (tries - 1)));
    }
  }
};
