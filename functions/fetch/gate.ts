import type { Context } from 'aws-lambda';
import { causeOf, unavailable } from '../shared/errors.ts';
import type { FetchDeps } from './deps.ts';

/** A call to a payer that a deadline, a closed gate or a caller who left can end. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Milliseconds that are left. */
  readonly remainingMs: () => number;
  readonly end: (reason?: Error) => void;
}

/** Kept back so that the end of the answer, its record and its audit still fit into the function's time. */
const reserveMs = 3000;

/** The time budget of a whole read: the function's own. */
export const deadlineOf = ({ clock }: Pick<FetchDeps, 'clock'>, context: Context): Deadline => {
  const controller = new AbortController();
  const endsAt = clock.monotonic() + Math.max(0, context.getRemainingTimeInMillis() - reserveMs);
  const timer = setTimeout(
    () => controller.abort(new DOMException('time budget is over', 'TimeoutError')),
    endsAt - clock.monotonic(),
  );
  timer.unref();
  return {
    signal: controller.signal,
    remainingMs: () => endsAt - clock.monotonic(),
    end: (reason) => {
      clearTimeout(timer);
      controller.abort(reason);
    },
  };
};

/** Lets go of an answer that nobody will read. */
export const dropBody = async ({ body }: Response): Promise<void> => {
  // A connection that broke meanwhile is no failure: nothing was wanted of it.
  await body?.cancel().catch(() => undefined);
};

/**
 * Lets a payer's answer through once the gate is open; both run side by side. Where the gate stays shut the answer is
 * dropped unread.
 * @throws GatewayError `temporarily_unavailable` where the gate stays shut, or what the call threw
 */
export const behindGate = async (
  gate: Promise<void>,
  call: Promise<Response>,
  { end }: Deadline,
): Promise<Response> => {
  const [opened, answered] = await Promise.allSettled([gate, call]);
  if (opened.status === 'rejected') {
    if (answered.status === 'fulfilled') await dropBody(answered.value);
    end();
    throw unavailable(`gate: ${causeOf(opened.reason)}`);
  }
  if (answered.status === 'rejected') throw answered.reason;
  return answered.value;
};
