import { nowSeconds } from '../shared/clock.ts';
import { GatewayError } from '../shared/errors.ts';
import type { RequestRecord } from '../shared/record/request-record.ts';
import { endAllGrants, endGrant, type Ended, type EndedGrant } from '../shared/store/member-grants.ts';
import type { MemberSession } from '../shared/store/member-sessions.ts';
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
  const { memberIndex } = session;
  const find = async (): Promise<EndedGrant[]> =>
    Promise.all(
      (await findLiving(deps, session, clientId)).map(async ({ grantId, partner }) => {
        const registered = await deps.registry.partner(partner, { evenIfBlocked: true });
        const mayHaveApprovals = registered?.identityAudiences !== undefined;
        return { grantId, stops: mayHaveApprovals ? { memberIndex, partner } : undefined };
      }),
    );
  const first = await find();
  if (first.length === 0) return undefined;
  let isNew = false;
  /** Ends one. False if that failed, so that the others are ended all the same. */
  const end = async (grant: EndedGrant): Promise<boolean> => {
    try {
      if (await endGrant(deps.grants, grant, 'member', { now: nowSeconds(deps.clock), requestId: record.requestId }))
        isNew = true;
      record.grantId = grant.grantId;
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
