import { nowSeconds } from '../shared/clock.ts';
import type { ApiEvent, RequestParameters } from '../shared/http/api.ts';
import { readMemberCookie } from '../shared/partner/member-cookie.ts';
import type { RequestRecord } from '../shared/record/request-record.ts';
import { sameHash, sha256 } from '../shared/store/crypto.ts';
import { formTokenOf, getMemberSession, useForm, type MemberSession } from '../shared/store/member-sessions.ts';
import type { ConnectionsDeps } from './deps.ts';
import { fields } from './fields.ts';

/** A browser's session at the payer of the path. */
export interface OpenSession extends MemberSession {
  readonly secret: string;
}

/**
 * Finds the session of a browser at a payer; undefined if there is none.
 * @throws GatewayError `temporarily_unavailable`
 */
export const findSession = async (
  { loginAttempts, clock }: ConnectionsDeps,
  event: ApiEvent,
  payer: string,
): Promise<OpenSession | undefined> => {
  const secret = readMemberCookie(event);
  if (secret === undefined) return undefined;
  const session = await getMemberSession(loginAttempts, { secret, payer, now: nowSeconds(clock) });
  return session && { ...session, secret };
};

/**
 * Accepts a form of the session once. False if it was submitted before, comes from an older page, or was not made by this
 * gateway.
 * @throws GatewayError `temporarily_unavailable`
 */
export const takeForm = async (
  { loginAttempts, clock }: ConnectionsDeps,
  session: OpenSession,
  { values }: RequestParameters,
  { requestId }: RequestRecord,
): Promise<boolean> => {
  const expected = formTokenOf(session.secret, session);
  if (!sameHash(sha256(expected), sha256(values.get(fields.token) ?? ''))) return false;
  return useForm(loginAttempts, session.secret, session, { now: nowSeconds(clock), requestId });
};
