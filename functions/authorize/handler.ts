import middy from '@middy/core';
import type { Deps } from '../shared/deps.ts';
import { checkMethod, parameters, payerOf, queryPairs, type ApiEvent, type ApiResponse } from '../shared/http/api.ts';
import { readFormPairs } from '../shared/http/form.ts';
import { refuseEmbedded } from '../shared/http/refuse-embedded.ts';
import { refusePrefetch } from '../shared/http/refuse-prefetch.ts';
import { redirect } from '../shared/pages/browser-headers.ts';
import { errorPage } from '../shared/pages/error-page.ts';
import { keepToHttps } from '../shared/pages/keep-to-https.ts';
import type { PageDeps } from '../shared/pages/settings.ts';
import { viewOf } from '../shared/pages/view.ts';
import { checkAuthorizeRequest } from '../shared/partner/check-authorize-request.ts';
import { checkClient } from '../shared/partner/check-client.ts';
import { returnError, type PartnerReturn } from '../shared/partner/redirect-uri.ts';
import { payerAuthorizeUrl } from '../shared/payer/authorize-url.ts';
import { answerError, answerErrors } from '../shared/record/answer-errors.ts';
import { recordRequest, type RequestRecord } from '../shared/record/request-record.ts';
import { checkNotPaused } from '../shared/registry/require-payer.ts';
import type { Table } from '../shared/store/dynamo.ts';
import { askForConsent, checkConsent, wasShown } from './consent.ts';
import { rememberLoginAttempt } from './remember-login-attempt.ts';

/** What the authorize function depends on. */
export interface AuthorizeDeps extends Deps, PageDeps {
  readonly loginAttempts: Table;
}

/** The authorization endpoint of a payer's facade (RFC 6749 §3.1, SMART App Launch: GET and POST). */
export const authorizeHandler = (deps: AuthorizeDeps) =>
  middy<ApiEvent, ApiResponse>()
    .use(recordRequest(deps, 'authorize'))
    .use(keepToHttps(deps.pages))
    .use(answerErrors((error, reference, event) => errorPage(viewOf(deps.pages, event), error, reference)))
    .handler(async (event, { record }) => {
      record.step = record.function;
      checkMethod(event, ['GET', 'POST']);
      refusePrefetch(event);
      refuseEmbedded(event);
      const request = parameters(event.httpMethod === 'POST' ? readFormPairs(event) : queryPairs(event));
      const client = await checkClient(deps, payerOf(event), request, record);
      return answerPartner(client.returnTo, record, async () => {
        const checked = checkAuthorizeRequest(client, request);
        await checkNotPaused(deps.registry, client.payer.id);
        if (client.partner.consent === 'gateway') {
          const allows = checkConsent(event, request);
          if (!allows || !wasShown(deps, event, request, client, checked)) {
            return askForConsent(deps, event, client, checked, { changed: allows });
          }
        }
        const attempt = await rememberLoginAttempt(deps, event, client, checked);
        return redirect(payerAuthorizeUrl(deps.origin, client.payer, attempt), attempt.cookies);
      });
    });

/** From here on the redirect is trusted: every failure goes back to the partner. */
const answerPartner = async (
  to: PartnerReturn,
  record: RequestRecord,
  steps: () => Promise<ApiResponse>,
): Promise<ApiResponse> => {
  try {
    return await steps();
  } catch (error) {
    return answerError(record, error, (known, reference) => returnError(to, known, reference));
  }
};
