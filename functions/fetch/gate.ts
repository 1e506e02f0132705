import type { Context } from 'aws-lambda';
import type { PayerResponse } from '../shared/payer/http.ts';

/** A call to a payer that a deadline, a closed gate or a departed caller can end. */
export interface Deadline {
  readonly signal: AbortSignal;
  readonly end: (reason?: Error) => void;
}

/** Reserved so that the end of the answer, its record and its audit fit into the function's time. */
const reserveMs = 3000;

/** Without its own reason, `abort` would make a DOMException with a stack for every read. */
const over = new Error('The read is over');

/** The time budget of a whole read: the function's own. */
export const startDeadline = (context: Context): Deadline => {
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

/** Discards an answer that nobody will read. */
export const dropBody = async ({ body }: PayerResponse): Promise<void> => {
  // A connection that broke meanwhile does not matter: its data was not needed.
  await body?.cancel().catch(() => undefined);
};

/**
 * Returns a payer's answer once the gate is open. Both run side by side. If the gate stays shut, the call is ended and
 * its answer discarded unread.
 * @throws what the gate threw, or the call
 */
export const passGate = async (
  gate: Promise<void>,
  call: Promise<PayerResponse>,
  { end }: Deadline,
): Promise<PayerResponse> => {
  const dropped = gate.catch(async () => {
    end();
    // A refresh of payer tokens under way is not aborted: what the payer rotates must be stored.
    await call.then(dropBody, () => undefined);
  });
  const [response] = await Promise.allSettled([call, dropped]);
  await gate;
  if (response.status === 'rejected') throw response.reason;
  return response.value;
};
