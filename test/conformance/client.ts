import { randomBytes } from 'node:crypto';
import { lookAt, openPayer, overHttp, sendTo } from '../support/login/over-http.ts';
import {
  authorizeRequest,
  basicOf,
  callbackRequest,
  filled,
  freshVerifier,
  partnerRequest,
  pkceOf,
  redemption,
  renewal,
  type Change,
  type PartnerEndpoint,
} from '../support/login/requests.ts';
import {
  cookieHeader,
  decisionRequest,
  returnRequest,
  tokensIn,
  type Begun,
  type Tokens,
} from '../support/login/steps.ts';
import * as steps from '../support/login/steps.ts';
import { baseOf, type App, type Target, type WorldTarget } from './target.ts';

/** At which payer, and as which partner. */
export interface As {
  readonly payer?: string;
  readonly app?: App;
}

/**
 * A partner's parameters for the authorize endpoint. The word in its state is searched for wherever no secret may be.
 */
const parametersFor = (target: Target, change: Change, { payer, app = target.portal }: As): Change => ({
  response_type: 'code',
  client_id: app.clientId,
  redirect_uri: app.redirectUri,
  state: `state-canary-${randomBytes(9).toString('base64url')}`,
  aud: baseOf(target, payer),
  ...pkceOf('a-verifier-that-nobody-will-ever-send-to-anyone'),
  ...change,
});

const requestFor = (target: Target, change: Change, as: As) =>
  authorizeRequest(as.payer ?? target.payer, parametersFor(target, change, as));

/** The same, for a request that the test writes by hand. */
export const authorizeParameters = (target: Target, change: Change = {}, as: As = {}): URLSearchParams =>
  new URLSearchParams(filled(parametersFor(target, change, as)));

/** The authorize endpoint of a payer's facade. */
export const authorizeEndpoint = ({ origin, payer }: Target, as: As = {}): string =>
  `${origin}/oauth2/authorize/${as.payer ?? payer}`;

/** Opens the authorize endpoint as a browser does; the test follows redirects itself. */
export const authorize = (target: Target, change: Change = {}, as: As = {}): Promise<Response> =>
  sendTo(target.origin, requestFor(target, change, as));

/** The cookies that an answer sets, as a browser sends them back. */
export const cookiesOf = ({ headers }: Response): string => cookieHeader(headers.getSetCookie());

/** Where a redirect leads. @throws Error if the answer is not a redirect */
export const locationOf = ({ status, headers }: Response): URL => {
  const location = headers.get('location');
  if (location === null) throw new Error(`No redirect: ${status}`);
  return new URL(location);
};

/** Sends the consent page's form, as the button for this decision does. */
export const decide = async (page: Response, decision: 'allow' | 'deny', cookie = cookiesOf(page)): Promise<Response> =>
  sendTo(new URL(page.url).origin, decisionRequest(await page.text(), decision, cookie));

/** Begins a login, through the gateway's consent page if the partner's members are asked there. */
export const begin = (target: Target, change: Change = {}, as: As = {}): Promise<Begun<Response>> =>
  steps.begin(overHttp(target.origin), requestFor(target, change, as));

/** Opens the callback as a browser does after the payer's redirect. */
export const callback = (
  target: Target,
  parameters: Change,
  { payer = target.payer, ...more }: { cookie?: string; payer?: string; method?: string } = {},
): Promise<Response> => sendTo(target.origin, callbackRequest(payer, parameters, more));

/** Continues a login through the payer to the gateway's answer at the callback. */
export const comeBack = async ({
  payerUrl,
  cookie,
}: Pick<Begun<Response>, 'payerUrl' | 'cookie'>): Promise<Response> => {
  const url = await openPayer(payerUrl);
  return sendTo(url.origin, returnRequest(url, cookie));
};

/** A login that has returned to the partner. */
export interface LoggedIn {
  readonly code: string;
  readonly verifier: string;
  /** The partner's redirect URI with what the gateway added. */
  readonly back: URL;
}

/** A member's whole login. */
export const login = async (target: WorldTarget, change: Change = {}, as: As = {}): Promise<LoggedIn> => {
  const verifier = freshVerifier('verifier-canary-');
  const { code_challenge } = pkceOf(verifier);
  const request = requestFor(target, { code_challenge, ...change }, as);
  return { ...(await steps.login(overHttp(target.origin), request)), verifier };
};

/** A Basic header as clients write it that encode nothing. */
export const basic = ({ clientId, secret = '' }: App): Record<string, string> => ({
  authorization: basicOf(clientId, secret),
});

/** Posts a form to one of the endpoints for partners. */
export const post = (
  { origin }: Target,
  endpoint: PartnerEndpoint,
  form: Change | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> => sendTo(origin, partnerRequest(endpoint, form, headers));

/** Like {@link post}, with the partner's client authentication: Basic, or only its client id if it is public. */
export const postAs = (target: Target, app: App, endpoint: PartnerEndpoint, form: Change): Promise<Response> =>
  app.secret === undefined
    ? post(target, endpoint, { client_id: app.clientId, ...form })
    : post(target, endpoint, form, basic(app));

/** Redeems a code. */
export const redeem = (
  target: Target,
  { code, verifier }: Pick<LoggedIn, 'code' | 'verifier'>,
  change: Change = {},
  { app = target.portal }: As = {},
): Promise<Response> => postAs(target, app, 'token', redemption(code, { code_verifier: verifier, ...change }));

/** Refreshes a pair. */
export const refresh = (target: Target, refreshToken: string, change: Change = {}, as: As = {}): Promise<Response> =>
  postAs(target, as.app ?? target.portal, 'token', renewal(refreshToken, change));

/** The tokens of an answer. @throws Error if it has none */
export const tokensOf = (response: Response): Promise<Tokens> => tokensIn(lookAt(response));

/** A login and its redemption. */
export const connect = async (target: WorldTarget, change: Change = {}, as: As = {}): Promise<Tokens> =>
  tokensOf(await redeem(target, await login(target, change, as), {}, as));

/** Calls the FHIR route. A path starts with a slash or is empty, and is sent unchanged. */
export const read = (
  target: Target,
  path: string,
  token?: string,
  { payer, headers, ...init }: Omit<RequestInit, 'headers'> & { payer?: string; headers?: Record<string, string> } = {},
): Promise<Response> =>
  fetch(`${baseOf(target, payer)}${path}`, {
    redirect: 'manual',
    ...init,
    headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
  });

/** What introspection says about a token to the partner that owns it. */
export const introspect = async (target: Target, token: string, app: App = target.portal): Promise<unknown> =>
  (await postAs(target, app, 'introspect', { token })).json();
