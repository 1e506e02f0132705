import { createHash, randomBytes } from 'node:crypto';
import type { LocalTarget } from './local-target.ts';
import { baseOf, type App, type Target } from './target.ts';

/** Parameters of a request; undefined leaves one out. */
export type Change = Readonly<Record<string, string | undefined>>;

/** At which payer, and as which partner. */
export interface As {
  readonly payer?: string;
  readonly app?: App;
}

/** The S256 challenge of a verifier (RFC 7636 §4.2). */
export const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url');

/** A fresh verifier; the word in it is looked for in places where no secret may be. */
const freshVerifier = (): string => `verifier-canary-${randomBytes(32).toString('base64url')}`;

/** Parameters without those that are left out. */
const filled = (parameters: Change): URLSearchParams =>
  new URLSearchParams(Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined));

/** A partner's parameters for the authorize endpoint. */
export const authorizeParameters = (target: Target, change: Change = {}, { payer, app }: As = {}): URLSearchParams => {
  const { clientId, redirectUri } = app ?? target.portal;
  return filled({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    state: `state-canary-${randomBytes(9).toString('base64url')}`,
    aud: baseOf(target, payer),
    code_challenge: challengeOf('a-verifier-that-nobody-will-ever-send-to-anyone'),
    code_challenge_method: 'S256',
    ...change,
  });
};

/** The authorize endpoint of a payer's facade. */
export const authorizeEndpoint = ({ origin, payer }: Target, as: As = {}): string =>
  `${origin}/oauth2/authorize/${as.payer ?? payer}`;

/** Opens the authorize endpoint as a browser does; redirects are for the test to look at. */
export const authorize = (target: Target, change: Change = {}, as: As = {}): Promise<Response> =>
  fetch(`${authorizeEndpoint(target, as)}?${authorizeParameters(target, change, as)}`, { redirect: 'manual' });

/** The cookies that an answer sets, as a browser sends them back. */
export const cookiesOf = (response: Response): string =>
  response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0] ?? '')
    .filter((pair) => !pair.endsWith('='))
    .join('; ');

/** Where a redirect leads. @throws Error where the answer is none */
export const locationOf = (response: Response): URL => {
  const location = response.headers.get('location');
  if (location === null) throw new Error(`No redirect: ${response.status}`);
  return new URL(location);
};

/** A login that has come as far as the payer. */
export interface Begun {
  readonly response: Response;
  readonly payerUrl: URL;
  /** The gateway's own state. */
  readonly state: string;
  readonly cookie: string;
}

const hidden = (html: string): [string, string][] =>
  [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
    name,
    value.replaceAll('&quot;', '"').replaceAll('&amp;', '&'),
  ]);

/** Sends the consent page's form, as the button of this decision does. */
export const decide = async (
  page: Response,
  decision: 'allow' | 'deny',
  cookie = cookiesOf(page),
): Promise<Response> => {
  const html = await page.text();
  const action = /<form method="post" action="([^"]*)"/.exec(html)?.[1] ?? '';
  const body = new URLSearchParams([...hidden(html), ['decision', decision]]);
  return fetch(action, { method: 'POST', body, redirect: 'manual', headers: { cookie } });
};

/** Begins a login: through the gateway's own consent page, where the partner's members are asked there. */
export const begin = async (target: Target, change: Change = {}, as: As = {}): Promise<Begun> => {
  const first = await authorize(target, change, as);
  const response = first.status === 200 ? await decide(first, 'allow') : first;
  const payerUrl = locationOf(response);
  return { response, payerUrl, state: payerUrl.searchParams.get('state') ?? '', cookie: cookiesOf(response) };
};

/** Opens the callback as a payer's redirect makes a browser do. */
export const callback = (
  target: Target,
  parameters: Change,
  { cookie, payer = target.payer, method = 'GET' }: { cookie?: string; payer?: string; method?: string } = {},
): Promise<Response> =>
  fetch(`${target.origin}/oauth2/callback/${payer}?${filled(parameters)}`, {
    method,
    redirect: 'manual',
    headers: cookie === undefined ? {} : { cookie },
  });

/** Goes on from a begun login, through the payer, to the gateway's answer at the callback. */
export const comeBack = async ({ payerUrl, cookie }: Begun): Promise<Response> => {
  const atPayer = await fetch(payerUrl, { redirect: 'manual' });
  return fetch(locationOf(atPayer), { redirect: 'manual', headers: { cookie } });
};

/** A login that has come back to the partner. */
export interface LoggedIn {
  readonly code: string;
  readonly verifier: string;
  /** The partner's redirect URI with what the gateway added. */
  readonly back: URL;
}

/** A member's whole login. */
export const login = async (target: LocalTarget, change: Change = {}, as: As = {}): Promise<LoggedIn> => {
  const verifier = freshVerifier();
  const begun = await begin(target, { code_challenge: challengeOf(verifier), ...change }, as);
  const back = locationOf(await comeBack(begun));
  const code = back.searchParams.get('code');
  if (code === null) throw new Error(`No code: ${back.searchParams.get('error') ?? ''}`);
  return { code, verifier, back };
};

/** A Basic header as clients write it that encode nothing. */
export const basic = ({ clientId, secret = '' }: App): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`,
});

type Endpoint = 'token' | 'revoke' | 'introspect';

/** Posts a form to one of the endpoints for partners. */
export const post = (
  { origin }: Target,
  endpoint: Endpoint,
  form: Change | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> =>
  fetch(`${origin}/oauth2/${endpoint}`, {
    method: 'POST',
    body: typeof form === 'string' ? form : filled(form).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    redirect: 'manual',
  });

/** As {@link post}, with the client authentication of a partner: Basic, or its name where it is public. */
export const postAs = (target: Target, app: App, endpoint: Endpoint, form: Change): Promise<Response> =>
  app.secret === undefined
    ? post(target, endpoint, { client_id: app.clientId, ...form })
    : post(target, endpoint, form, basic(app));

/** Redeems a code. */
export const redeem = (
  target: Target,
  { code, verifier }: Pick<LoggedIn, 'code' | 'verifier'>,
  change: Change = {},
  { app = target.portal }: As = {},
): Promise<Response> =>
  postAs(target, app, 'token', { grant_type: 'authorization_code', code, code_verifier: verifier, ...change });

/** Refreshes a pair. */
export const refresh = (target: Target, refreshToken: string, change: Change = {}, as: As = {}): Promise<Response> =>
  postAs(target, as.app ?? target.portal, 'token', {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    ...change,
  });

/** A token answer. */
export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly scope: string;
  readonly patient?: string;
}

/** The tokens of an answer. @throws Error where it has none */
export const tokensOf = async (response: Response): Promise<Tokens> => {
  const body = (await response.json()) as Partial<Tokens> & { error?: string };
  if (response.status !== 200) throw new Error(`No tokens: ${response.status} ${body.error ?? ''}`);
  return body as Tokens;
};

/** A login and its redemption. */
export const connect = async (target: LocalTarget, change: Change = {}, as: As = {}): Promise<Tokens> =>
  tokensOf(await redeem(target, await login(target, change, as), {}, as));

/** Calls the FHIR route; a path begins with a slash, or is empty. */
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

/** What introspection says of a token to its own partner. */
export const introspect = async (target: Target, token: string, app: App = target.portal): Promise<unknown> =>
  (await postAs(target, app, 'introspect', { token })).json();

/** Epoch seconds. */
export const now = (): number => Math.floor(Date.now() / 1000);
