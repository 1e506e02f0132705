import { nowSeconds } from '../shared/clock.ts';
import { GatewayError } from '../shared/errors.ts';
import type { RequestRecord } from '../shared/record/request-record.ts';
import { endAllGrants, endGrant, getMemberGrant, type Ended } from '../shared/store/member-grants.ts';
import type { MemberSession } from '../shared/store/member-sessions.ts';
import type { ConnectionsDeps } from './deps.ts';
import { findLiving } from './find-connections.ts';

/** How often it looks again for a grant that was made in the meantime; a page must not take longer. */
const rounds = 3;

/** Ends one grant. False if that failed, so that the others are ended all the same. */
const endOne =
  ({ grants, clock }: ConnectionsDeps, record: RequestRecord) =>
  async (grantId: string): Promise<boolean> => {
    try {
      await endGrant(grants, grantId, 'member', { now: nowSeconds(clock), requestId: record.requestId });
      record.grantId = grantId;
      return true;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      record.detail = `a grant was not ended: ${error.detail ?? error.code}`;
      return false;
    }
  };

/** Ends one grant of the session's member. Nothing ends if it is another's or gone: undefined. */
export const endConnection = async (
  deps: ConnectionsDeps,
  session: MemberSession,
  grantId: string,
  record: RequestRecord,
): Promise<Ended | undefined> => {
  const found = await getMemberGrant(deps.grants, grantId, session);
  if (found === undefined) return undefined;
  return endAllGrants([grantId], { end: endOne(deps, record), findLiving: undefined, wait: deps.sleep });
};

/** Ends every grant of the session's member, also those that are made in the meantime. */
export const endConnections = async (
  deps: ConnectionsDeps,
  session: MemberSession,
  record: RequestRecord,
): Promise<Ended> =>
  endAllGrants(
    await findLiving(deps, session),
    { end: endOne(deps, record), findLiving: () => findLiving(deps, session), wait: deps.sleep },
    rounds,
  );
