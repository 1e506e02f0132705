import type { Deadline } from '../shared/http/deadline.ts';
import { dropBody } from '../shared/payer/answers.ts';
import type { PayerResponse } from '../shared/payer/http.ts';

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
