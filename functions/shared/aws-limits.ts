/** What an AWS client is made with, so that it ends in time. Without the flag the time-outs only warn. */
interface AwsLimits {
  readonly maxAttempts: number;
  readonly requestHandler: {
    readonly connectionTimeout: number;
    readonly requestTimeout: number;
    readonly throwOnRequestTimeout: true;
  };
}

/**
 * Short limits, since a member waits: all tries together last `maxAttempts` times `requestMs`, and the SDK's pauses.
 * Its own defaults wait for an answer without end.
 * @param requestMs until a try's answer, milliseconds
 */
export const awsLimits = ({ maxAttempts, requestMs }: { maxAttempts: number; requestMs: number }): AwsLimits => ({
  maxAttempts,
  requestHandler: { connectionTimeout: 1000, requestTimeout: requestMs, throwOnRequestTimeout: true },
});
