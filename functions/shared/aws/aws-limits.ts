import { waitFactor } from './wait-factor.ts';

/** Options of an AWS client, so that its calls end in time. Without the flag, timeouts only warn. */
interface AwsLimits {
  readonly maxAttempts: number;
  readonly requestHandler: {
    readonly connectionTimeout: number;
    readonly requestTimeout: number;
    readonly throwOnRequestTimeout: true;
  };
}

/**
 * Short limits, since a member is waiting. All tries together take up to `maxAttempts` times `requestMs`, plus the
 * SDK's pauses. The SDK's defaults would wait forever.
 * @param requestMs limit of one try, in milliseconds
 */
export const awsLimits = ({ maxAttempts, requestMs }: { maxAttempts: number; requestMs: number }): AwsLimits => ({
  maxAttempts,
  requestHandler: {
    connectionTimeout: 1000 * waitFactor(),
    requestTimeout: requestMs * waitFactor(),
    throwOnRequestTimeout: true,
  },
});
