import { nowSeconds } from '../shared/clock.ts';
import { GatewayError } from '../shared/errors.ts';
import type { RequestRecord } from '../shared/record/request-record.ts';
import { endAllGrants, endGrant, type Ended } from '../shared/store/member-grants.ts';
import type { MemberSession } from '../shared/store/member-sessions.ts';
import { noteStop } from '../shared/store/member-stops.ts';
import type { ConnectionsDeps } from './deps.ts';
import { findLiving } from './find-connections.ts';

/** How many times to look for grants made in the meantime, so that the page does not take too long. */
const rounds = 3;

/**
 * Ends every grant of the session's member, or those of one app, and looks again for ones that were made in the meantime.
 * Undefined if there is none. It finds them by the session's index only, so a session with a made-up index
 * ends nothing.
 * @param clientId the app; undefined for all
 */
export const endConnections = async (
  deps: ConnectionsDeps,
  session: MemberSession,
  clientId: string | undefined,
  record: RequestRecord,
): Promise<Ended | undefined> => {
  const noted = new Set<string>();
  const noteStopOf = async (partner: string): Promise<void> => {
    const registered = await deps.registry.partner(partner, { evenIfBlocked: true });
    if (noted.has(partner) || registered?.identityAudiences === undefined) return;
    const { memberIndex } = session;
    await noteStop(deps.grants, { memberIndex, partner }, { now: nowSeconds(deps.clock), requestId: record.requestId });
    noted.add(partner);
  };
  /** What is found is to be ended, so that no earlier approval may bring it back. */
  const find = async (): Promise<string[]> => {
    const living = await findLiving(deps, session, clientId);
    for (const partner of new Set(living.map((grant) => grant.partner))) await noteStopOf(partner);
    return living.map(({ grantId }) => grantId);
  };
  const first = await find();
  if (first.length === 0) return undefined;
  let isNew = false;
  /** Ends one. False if that failed, so that the others are ended all the same. */
  const end = async (grantId: string): Promise<boolean> => {
    try {
      if (await endGrant(deps.grants, grantId, 'member', { now: nowSeconds(deps.clock), requestId: record.requestId }))
        isNew = true;
      record.grantId = grantId;
      return true;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      record.detail = `a grant was not ended: ${error.detail ?? error.code}`;
      return false;
    }
  };
  // Wait only if something was ended, so that many forms sent at once do not each occupy a function.
  const wait = async (ms: number): Promise<void> => {
    if (isNew) await deps.sleep(ms);
    isNew = false;
  };
  return endAllGrants(first, { end, findLiving: find, wait }, rounds);
};
