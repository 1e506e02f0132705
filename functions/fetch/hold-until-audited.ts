import type { Deadline } from '../shared/http/deadline.ts';
import { dropBody } from '../shared/payer/answers.ts';
import type { PayerResponse } from '../shared/payer/http.ts';

/**
 * Holds a payer's answer back until the read's audit event is written. Both run side by side. If the event cannot be
 * written, the call is ended and its answer discarded unread.
 * @throws what the writing threw, or the call
 */
export const holdUntilAudited = async (
  written: Promise<void>,
  call: Promise<PayerResponse>,
  { end }: Deadline,
): Promise<PayerResponse> => {
  const dropped = written.catch(async () => {
    end();
    // A refresh of payer tokens under way is not aborted: what the payer rotates must be stored.
    await call.then(dropBody, () => undefined);
  });
  const [response] = await Promise.allSettled([call, dropped]);
  await written;
  if (response.status === 'rejected') throw response.reason;
  return response.value;
};
