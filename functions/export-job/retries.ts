import { createRetryStrategy, JitterStrategy, type Duration } from '@aws/durable-execution-sdk-js';

const upTo = (maxAttempts: number, maxDelay: Duration) =>
  createRetryStrategy({
    maxAttempts,
    initialDelay: { seconds: 2 },
    maxDelay,
    backoffRate: 2,
    jitter: JitterStrategy.HALF,
  });

/** The retries of a step that the export can do without. */
export const aFewTimes = upTo(4, { minutes: 1 });

/** Retries a step for about half an hour, in case S3, KMS or DynamoDB is out of reach. */
export const patiently = upTo(12, { minutes: 5 });

/** Retries the end of an export for most of a day. If it is never written, the export is overdue, and counts as failed. */
export const untilItEnds = upTo(150, { minutes: 10 });
