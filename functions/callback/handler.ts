import middy from '@middy/core';
import type { Deps } from '../shared/deps.ts';
import { checkMethod, parameters, payerOf, queryPairs, type ApiEvent, type ApiResponse } from '../shared/http/api.ts';
import { finishInTime } from '../shared/http/finish-in-time.ts';
import { refuseEmbedded } from '../shared/http/refuse-embedded.ts';
import { refusePrefetch } from '../shared/http/refuse-prefetch.ts';
import { errorPage } from '../shared/pages/error-page.ts';
import { keepToHttps } from '../shared/pages/keep-to-https.ts';
import type { PageDeps } from '../shared/pages/settings.ts';
import { viewOf } from '../shared/pages/view.ts';
import { clearLoginCookie } from '../shared/partner/login-cookie.ts';
import { makeGrant } from '../shared/partner/make-grant.ts';
import { readMemberCookie } from '../shared/partner/member-cookie.ts';
import { returnError, returnToPartner } from '../shared/partner/redirect-uri.ts';
import type { PayerClientDeps } from '../shared/payer/client.ts';
import { keyReader } from '../shared/payer/key-reader.ts';
import { answerError, answerErrors } from '../shared/record/answer-errors.ts';
import { recordRequest } from '../shared/record/request-record.ts';
import { checkNotPaused } from '../shared/registry/require-payer.ts';
import { ignoredWords } from '../shared/scopes/log-scopes.ts';
import type { Table } from '../shared/store/dynamo.ts';
import type { IndexMember } from '../shared/store/index-member.ts';
import { redeemPayerCode } from './ask-payer.ts';
import { checkCallback } from './check-callback.ts';
import { checkPayerAnswer } from './check-payer-answer.ts';
import { signInMember } from './sign-in-member.ts';
import { takeLoginAttempt } from './take-login-attempt.ts';
import { idTokenReader } from './verify-id-token.ts';

/** What the callback function depends on. */
export interface CallbackDeps extends Deps, PageDeps, PayerClientDeps {
  readonly loginAttempts: Table;
  readonly grants: Table;
  readonly indexMember: IndexMember;
}

/** The gateway's redirect URI, to which payers send browsers back (RFC 6749 §4.1.2). */
export const callbackHandler = (deps: CallbackDeps) => {
  const readKeys = keyReader(deps);
  return middy<ApiEvent, ApiResponse>()
    .use(recordRequest(deps, 'callback'))
    .use(keepToHttps(deps.pages))
    .use(answerErrors((error, reference, event) => errorPage(viewOf(deps.pages, event), error, reference)))
    .handler(async (event, context) => {
      const { record } = context;
      record.step = record.function;
      checkMethod(event, ['GET']);
      refusePrefetch(event);
      refuseEmbedded(event);
      const callback = await checkCallback(deps, payerOf(event), parameters(queryPairs(event)));
      const login = await takeLoginAttempt(deps, event, callback, record);
      if (login.purpose === 'connections') {
        const { attempt } = login;
        return signInMember({ ...deps, readKeys }, callback, { attempt, earlier: readMemberCookie(event) }, context);
      }
      const cookies = [clearLoginCookie(callback.state)];
      try {
        await checkNotPaused(deps.registry, callback.payer.id);
        const code = checkPayerAnswer(callback);
        const grant = await finishInTime(context, async () => {
          const answer = await redeemPayerCode(deps, callback.payer, login.attempt, code);
          record.detail = ignoredWords(callback.payer, answer.scope, { counted: false });
          const readIdToken = idTokenReader(deps, readKeys, callback.payer, login.attempt);
          return makeGrant(deps, callback.payer, login.attempt, answer, { requestId: record.requestId, readIdToken });
        });
        record.grantId = grant.grantId;
        return returnToPartner(login.returnTo, { code: grant.code }, cookies);
      } catch (error) {
        return answerError(record, error, (known, reference) => returnError(login.returnTo, known, reference, cookies));
      }
    });
};
