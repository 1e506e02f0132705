/**
 * Runs a call with a limit of time, whose signal aborts as that of `AbortSignal.timeout` does. The timer ends with the call:
 * of a call that is over, `AbortSignal.timeout` would still fire.
 * @param ms the limit, in milliseconds
 * @throws what the call throws
 */
export const withTimeLimit = async <T>(ms: number, call: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const controller = new AbortController();
  const late = (): void =>
    controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
  const timer = setTimeout(late, ms);
  timer.unref();
  try {
    return await call(controller.signal);
  } finally {
    clearTimeout(timer);
  }
};
