import { waitFactor } from '../aws/wait-factor.ts';

/** Limits of one try and of all tries together, in milliseconds. */
export interface TimeLimit {
  readonly tryMs: number;
  readonly wholeMs: number;
}

/** The SDK's options of a call. */
export interface LimitedCall {
  readonly requestTimeout: number;
  readonly abortSignal: AbortSignal;
}

/**
 * Runs a call to AWS with a limit of time, whose signal aborts as that of `AbortSignal.timeout` does. The timer ends with the
 * call: `AbortSignal.timeout` would still fire after the call is over.
 * @throws what the call throws
 */
export const withTimeLimit = async <T>(
  { tryMs, wholeMs }: TimeLimit,
  call: (options: LimitedCall) => Promise<T>,
): Promise<T> => {
  const controller = new AbortController();
  const late = (): void =>
    controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
  const timer = setTimeout(late, wholeMs * waitFactor());
  timer.unref();
  try {
    return await call({ requestTimeout: tryMs * waitFactor(), abortSignal: controller.signal });
  } finally {
    clearTimeout(timer);
  }
};
