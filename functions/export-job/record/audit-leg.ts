import { causeOf, unavailable } from '../../shared/errors.ts';
import { putReadEvent } from '../../shared/store/put-read-event.ts';
import type { LegStop } from '../leg/leg-stop.ts';
import type { Leg } from '../leg/leg.ts';

/** The interaction that the audit records for a leg, from its first task. */
const interactionOf = ({ next: { queue } }: Leg): string => {
  const [task] = queue;
  if (task === undefined) return 'export';
  if (task.kind === 'statement') return 'export metadata';
  return `export ${task.kind === 'search' ? task.type : task.kind}`;
};

/**
 * Writes an audit event before the read and another after it. If the first fails, nothing is requested. If the second
 * fails, the audit closes the read itself, with an unknown end.
 * @throws GatewayError `temporarily_unavailable` if the first event may not have been written
 */
export const auditLeg = async (leg: Leg, read: () => Promise<LegStop>): Promise<LegStop> => {
  const { deps, item } = leg;
  const { grantId, partner, payer, patient } = item;
  const known = {
    requestId: leg.requestId,
    grantId,
    partner,
    payer,
    patient,
    interaction: interactionOf(leg),
  };
  try {
    await putReadEvent(deps.audit, { ...known, type: 'opened', atMs: deps.clock.now() });
  } catch (error) {
    throw unavailable(`audit: ${causeOf(error)}`);
  }
  const end = (how: { readonly status: number; readonly error?: string }): Promise<void> =>
    putReadEvent(deps.audit, {
      ...known,
      type: 'ended',
      atMs: deps.clock.now(),
      end: { ...how, bytes: leg.bytes() },
    }).catch(() => undefined);
  try {
    const stop = await read();
    await end({ status: 200 });
    return stop;
  } catch (error) {
    await end({ status: 500, error: 'server_error' });
    throw error;
  }
};
