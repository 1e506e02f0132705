import { base64url } from '../shared/base64url.ts';
import { nowSeconds } from '../shared/clock.ts';
import type { Deps } from '../shared/deps.ts';
import { GatewayError, type ErrorCode } from '../shared/errors.ts';
import type { ApiResponse } from '../shared/http/api.ts';
import { finishInTime } from '../shared/http/finish-in-time.ts';
import { redirect } from '../shared/pages/browser-headers.ts';
import { languageParameter } from '../shared/pages/view.ts';
import { clearLoginCookie } from '../shared/partner/login-cookie.ts';
import { setMemberCookie } from '../shared/partner/member-cookie.ts';
import { revokeAtPayer, type PayerClientDeps } from '../shared/payer/client.ts';
import type { ReadKeys } from '../shared/payer/key-reader.ts';
import { requirePatient } from '../shared/payer/require-patient.ts';
import { answerError } from '../shared/record/answer-errors.ts';
import type { RequestContext, RequestRecord } from '../shared/record/request-record.ts';
import { checkNotPaused } from '../shared/registry/require-payer.ts';
import { connectionsUrl } from '../shared/registry/urls.ts';
import { sealIvBytes } from '../shared/store/crypto.ts';
import type { Table } from '../shared/store/dynamo.ts';
import type { IndexMember } from '../shared/store/index-member.ts';
import type { MemberAttempt } from '../shared/store/login-attempts.ts';
import type { Member } from '../shared/store/member-index.ts';
import { endMemberSession, putMemberSession } from '../shared/store/member-sessions.ts';
import { redeemPayerCode } from './ask-payer.ts';
import type { Callback } from './check-callback.ts';
import { checkPayerAnswer } from './check-payer-answer.ts';
import { idTokenReader } from './verify-id-token.ts';

interface SignInDeps extends Deps, PayerClientDeps {
  readonly readKeys: ReadKeys;
  readonly loginAttempts: Table;
  readonly indexMember: IndexMember;
}

/** What the page says of each error; anything else is `failed`. */
const notices: Readonly<Partial<Record<ErrorCode, string>>> = {
  access_denied: 'denied',
  temporarily_unavailable: 'unavailable',
};

/**
 * Finds out whose record it is. It then asks the payer to revoke its tokens, where the payer supports that, whether it found out
 * or not; after a time-out that happens during a later call, or never. They are never stored.
 * @throws GatewayError
 */
const askWho = async (
  deps: SignInDeps,
  callback: Callback,
  attempt: MemberAttempt,
  record: RequestRecord,
): Promise<Member> => {
  const { payer } = callback;
  const answer = await redeemPayerCode(deps, payer, attempt, checkPayerAnswer(callback));
  try {
    const patient = await requirePatient(deps, payer, answer, idTokenReader(deps, deps.readKeys, payer, attempt));
    if (patient === undefined) throw new GatewayError('server_error', 'The health plan names no patient.');
    return { payer: payer.id, patient };
  } finally {
    const isRevoked = await revokeAtPayer(deps, payer, answer.tokens);
    if (!isRevoked && payer.revocationEndpoint !== undefined)
      record.detail = "the payer did not revoke the tokens of a member's sign-in";
  }
};

/**
 * Handles the return of a member who signed in to see which apps may read the record. It starts a session and makes no grant.
 * Every response redirects to that page.
 * @param attempt undefined if it cannot be used: it has expired, was used, or began in another browser
 * @param earlier the secret of the session that the browser has; undefined if it has none
 */
export const signInMember = async (
  deps: SignInDeps,
  callback: Callback,
  { attempt, earlier }: { readonly attempt: MemberAttempt | undefined; readonly earlier: string | undefined },
  context: RequestContext,
): Promise<ApiResponse> => {
  const { record } = context;
  const { payer, state } = callback;
  // It connects no app, so it is counted under the page that it is for.
  record.step = 'connections';
  const back = (tell: Readonly<Record<string, string>>, cookies: readonly string[] = []): ApiResponse =>
    redirect(connectionsUrl(deps.origin, payer.id, tell), cookies);
  if (attempt === undefined) {
    record.detail = "a member's sign-in that cannot be used";
    return back({ notice: 'again' });
  }
  const cleared = clearLoginCookie(state);
  const language = { [languageParameter]: attempt.language };
  try {
    await checkNotPaused(deps.registry, payer.id);
    const secret = base64url(deps.randomBytes(32));
    await finishInTime(context, async () => {
      const member = await askWho(deps, callback, attempt, record);
      const memberIndex = await deps.indexMember(member);
      const made = { secret, now: nowSeconds(deps.clock), iv: deps.randomBytes(sealIvBytes) };
      await putMemberSession(deps.loginAttempts, { ...member, memberIndex }, made);
      // A browser has one session.
      if (earlier !== undefined) await endMemberSession(deps.loginAttempts, earlier, made.now);
    });
    return back(language, [cleared, setMemberCookie(secret)]);
  } catch (error) {
    return answerError(record, error, ({ code }, reference) =>
      back({ ...language, notice: notices[code] ?? 'failed', reference }, [cleared]),
    );
  }
};
