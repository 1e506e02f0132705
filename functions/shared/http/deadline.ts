import type { Context } from 'aws-lambda';

/** Ends the work for a caller: when time runs out, or an operator stops it. */
export interface Deadline {
  readonly signal: AbortSignal;
  readonly end: (reason?: Error) => void;
}

/** Reserved so that the end of the answer, its record and its audit fit into the function's time. */
const reserveMs = 3000;

/** Without its own reason, `abort` would make a DOMException with a stack for every read. */
const over = new Error('The read is over');

/** Starts the time budget of a whole read: what the function has left, less the reserve. */
export const startDeadline = (context: Pick<Context, 'getRemainingTimeInMillis'>): Deadline => {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new DOMException('time budget is over', 'TimeoutError')),
    Math.max(0, context.getRemainingTimeInMillis() - reserveMs),
  );
  timer.unref();
  return {
    signal: controller.signal,
    end: (reason = over) => {
      clearTimeout(timer);
      controller.abort(reason);
    },
  };
};
