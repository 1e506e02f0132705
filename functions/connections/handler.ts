import middy from '@middy/core';
import { nowSeconds } from '../shared/clock.ts';
import {
  checkMethod,
  checkNotRepeated,
  parameters,
  payerOf,
  queryPairs,
  type ApiEvent,
  type ApiResponse,
} from '../shared/http/api.ts';
import { finishInTime } from '../shared/http/finish-in-time.ts';
import { readFormPairs } from '../shared/http/form.ts';
import { isFromElsewhere } from '../shared/http/is-from-elsewhere.ts';
import { refuseEmbedded } from '../shared/http/refuse-embedded.ts';
import { refusePrefetch } from '../shared/http/refuse-prefetch.ts';
import { redirect } from '../shared/pages/browser-headers.ts';
import { errorPage } from '../shared/pages/error-page.ts';
import { keepToHttps } from '../shared/pages/keep-to-https.ts';
import { languageParameter, viewOf } from '../shared/pages/view.ts';
import { clearMemberCookie } from '../shared/partner/member-cookie.ts';
import { answerErrors } from '../shared/record/answer-errors.ts';
import { recordRequest, referenceOf, type RequestContext } from '../shared/record/request-record.ts';
import { requirePayer } from '../shared/registry/require-payer.ts';
import type { Payer } from '../shared/registry/types.ts';
import { connectionsUrl } from '../shared/registry/urls.ts';
import { endMemberSession } from '../shared/store/member-sessions.ts';
import { connectionsPage } from './connections-page.ts';
import type { ConnectionsDeps } from './deps.ts';
import { endConnections } from './end-connections.ts';
import { acts, fields, told, type Notice } from './fields.ts';
import { findConnections } from './find-connections.ts';
import { findSession, takeForm, type OpenSession } from './session.ts';
import { signInPage } from './sign-in-page.ts';
import { startSignIn } from './start-sign-in.ts';

/** The page where a member sees which apps may read the record at a payer, and stops them. */
export const connectionsHandler = (deps: ConnectionsDeps) =>
  middy<ApiEvent, ApiResponse>()
    .use(recordRequest(deps, 'connections'))
    .use(keepToHttps(deps.pages))
    .use(answerErrors((error, reference, event) => errorPage(viewOf(deps.pages, event), error, reference)))
    .handler(async (event, context) => {
      const { record } = context;
      record.step = record.function;
      checkMethod(event, ['GET', 'POST']);
      refusePrefetch(event);
      refuseEmbedded(event);
      // Stopping an app does not involve the payer, so a pause blocks only new sign-ins.
      const payer = await requirePayer(deps.registry, payerOf(event), { code: 'invalid_request', evenIfPaused: true });
      return finishInTime(context, () =>
        event.httpMethod === 'POST' ? answerForm(deps, event, payer, context) : answerPage(deps, event, payer),
      );
    });

const answerPage = async (deps: ConnectionsDeps, event: ApiEvent, payer: Payer): Promise<ApiResponse> => {
  const { values } = parameters(queryPairs(event));
  const view = viewOf(deps.pages, event);
  const session = payer.patientFrom === 'none' ? undefined : await findSession(deps, event, payer.id);
  const url = connectionsUrl(deps.origin, payer.id);
  if (session === undefined) return signInPage(view, { payer, url, values });
  const connections = await findConnections(deps, session);
  return connectionsPage(view, {
    payer,
    url,
    values,
    session,
    connections,
    loginAttemptSeconds: deps.registry.lifetimes.loginAttempt,
  });
};

/** Every form is answered with a redirect to the page, so that reloading does not submit it again. */
const answerForm = async (
  deps: ConnectionsDeps,
  event: ApiEvent,
  payer: Payer,
  { record }: RequestContext,
): Promise<ApiResponse> => {
  const form = parameters(readFormPairs(event));
  checkNotRepeated(form);
  const { language } = viewOf(deps.pages, event);
  const back = (tell: Readonly<Partial<Record<keyof typeof told, string>>>, cookies: readonly string[] = []) =>
    redirect(connectionsUrl(deps.origin, payer.id, { [languageParameter]: language, ...tell }), cookies);
  const notice = (name: Notice, cookies?: readonly string[]): ApiResponse => back({ notice: name }, cookies);

  const act = acts.find((one) => one === form.values.get(fields.act));
  if (payer.patientFrom === 'none') return back({});
  const app = form.values.get(fields.app);
  const isUnknown = act === undefined || (act === 'end' && app === undefined);
  if (isUnknown || isFromElsewhere(event)) {
    record.detail = isUnknown ? 'the form asks for nothing that is known' : 'the form is from another origin';
    return notice('gone');
  }
  if (act === 'sign-in') return startSignIn(deps, event, payer, language);
  const session = await findSession(deps, event, payer.id);
  if (session === undefined) return notice('again');
  if (!(await takeForm(deps, session, form, record))) {
    record.detail = 'the form was used before, or is not of this session';
    return notice('gone');
  }
  if (act === 'sign-out') return signOut(deps, session, (cookies) => notice('signedOut', cookies));
  const ended = await endConnections(deps, session, act === 'end' ? app : undefined, record);
  if (ended === undefined) return notice('gone');
  return back({ ended: referenceOf(record), ...(ended.isDone ? {} : { notice: 'left' }) });
};

const signOut = async (
  { loginAttempts, clock }: ConnectionsDeps,
  { secret }: OpenSession,
  answer: (cookies: readonly string[]) => ApiResponse,
): Promise<ApiResponse> => {
  await endMemberSession(loginAttempts, secret, nowSeconds(clock));
  return answer([clearMemberCookie()]);
};
