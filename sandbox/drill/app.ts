import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { kickOff, readStatus, type Send } from '../partner/exports.ts';
import { memberNamed } from '../sign-in/member.ts';
import { signInThroughGateway } from '../sign-in/through-gateway.ts';
import type { LocalStack } from '../stack.ts';

/** A partner's app, as the gateway knows it. */
export interface App {
  readonly clientId: string;
  /** Absent if it is public, with PKCE. */
  readonly secret?: string;
  readonly redirectPath: string;
}

export const confidentialApp: App = {
  clientId: 'demo-partner',
  secret: 'demo-partner-secret',
  redirectPath: '/callback',
};
export const publicApp: App = { clientId: 'demo-app', redirectPath: '/app/callback' };

/** The payer at which the drill's members are. */
const payerId = 'demo-health-plan';

/** What an app holds of one grant. */
export interface Held {
  readonly app: App;
  readonly code: string;
  readonly verifier?: string;
  /** Absent until the code is redeemed. */
  readonly grantId?: string;
  readonly accessToken?: string;
  readonly refreshToken?: string;
  /** A refresh token that was replaced. */
  readonly olderRefreshToken?: string;
  readonly exportUrl?: string;
}

/** An answer as an app sees it. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const answerOf = async (response: Response): Promise<Answer> => {
  const text = await response.text();
  try {
    return { status: response.status, body: JSON.parse(text) as Answer['body'] };
  } catch {
    return { status: response.status, body: {} };
  }
};

/** @throws Error with the answer if it is no success */
const requireOk = (what: string, answer: Answer): Answer => {
  if (answer.status < 300) return answer;
  throw new Error(`${what} answered ${answer.status}: ${JSON.stringify(answer.body).slice(0, 300)}`);
};

/** Sends a form to an endpoint of the gateway as an app does. */
const post = async (stack: LocalStack, endpoint: string, app: App, form: Record<string, string>): Promise<Answer> => {
  const credentials = { client_id: app.clientId, ...(app.secret === undefined ? {} : { client_secret: app.secret }) };
  const body = new URLSearchParams({ ...form, ...credentials });
  return answerOf(await fetch(`${stack.origin}/oauth2/${endpoint}`, { method: 'POST', body }));
};

/** A member signs in, and the app gets a code. */
export const signIn = async (stack: LocalStack, app: App): Promise<Held> => {
  const verifier = app.secret === undefined ? randomBytes(32).toString('base64url') : undefined;
  const url = new URL(`${stack.origin}/oauth2/authorize/${payerId}`);
  const challenge =
    verifier === undefined
      ? {}
      : { code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' };
  const parameters = {
    response_type: 'code',
    client_id: app.clientId,
    redirect_uri: stack.urls.partner + app.redirectPath,
    state: 'state-of-the-drill',
    ...challenge,
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  const back = new URL(await signInThroughGateway(url.href, memberNamed('clinical')));
  const code = back.searchParams.get('code');
  if (code === null) throw new Error(`the sign-in ended in ${back.searchParams.get('error') ?? 'no code'}`);
  return { app, code, ...(verifier === undefined ? {} : { verifier }) };
};

/** Presents the code. */
export const presentCode = (stack: LocalStack, { app, code, verifier }: Held): Promise<Answer> =>
  post(stack, 'token', app, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: stack.urls.partner + app.redirectPath,
    ...(verifier === undefined ? {} : { code_verifier: verifier }),
  });

/** Presents a refresh token. */
export const presentRefreshToken = (stack: LocalStack, { app }: Held, token: string): Promise<Answer> =>
  post(stack, 'token', app, { grant_type: 'refresh_token', refresh_token: token });

const tokensIn = ({ body }: Answer) => ({
  grantId: String(body['grant_id']),
  accessToken: String(body['access_token']),
  refreshToken: String(body['refresh_token']),
});

export const redeem = async (stack: LocalStack, held: Held): Promise<Held> => ({
  ...held,
  ...tokensIn(requireOk('the redemption', await presentCode(stack, held))),
});

export const refresh = async (stack: LocalStack, held: Held): Promise<Held> => {
  const { refreshToken = '' } = held;
  const answer = requireOk('the refresh', await presentRefreshToken(stack, held, refreshToken));
  return { ...held, ...tokensIn(answer), olderRefreshToken: refreshToken };
};

export const revoke = async (stack: LocalStack, held: Held): Promise<Held> => {
  requireOk('the revocation', await post(stack, 'revoke', held.app, { token: held.refreshToken ?? '' }));
  return held;
};

/** Reads below the payer's FHIR base, or at a link of the gateway. */
export const read = async (stack: LocalStack, { accessToken }: Held, path: string): Promise<Answer> => {
  const url = path.startsWith('http') ? path : `${stack.origin}/r4/${payerId}/${path}`;
  return answerOf(await fetch(url, { headers: { authorization: `Bearer ${accessToken ?? ''}` } }));
};

export const readSome = async (stack: LocalStack, held: Held): Promise<Held> => {
  requireOk('the read', await read(stack, held, 'Patient'));
  return held;
};

/** Sets the switches that make the payer misbehave. */
const setFaults = async (stack: LocalStack, names: readonly string[]): Promise<void> => {
  const body = new URLSearchParams(names.map((name) => ['fault', name]));
  await (await fetch(`${stack.urls.demoHealthPlan}/admin`, { method: 'POST', body })).body?.cancel();
};

/** Reads two pages while the payer refuses the token on the second, so that the gateway refreshes its tokens there. */
export const refreshAtPayer = async (stack: LocalStack, held: Held): Promise<Held> => {
  await setFaults(stack, ['401-mid-paging']);
  try {
    const { body } = requireOk('the first page', await read(stack, held, 'Observation?_count=2'));
    const links = (body['link'] ?? []) as readonly { readonly relation: string; readonly url: string }[];
    const next = links.find(({ relation }) => relation === 'next')?.url;
    if (next === undefined) throw new Error('the first page has no next one');
    requireOk('the second page', await read(stack, held, next));
    return held;
  } finally {
    await setFaults(stack, []);
  }
};

const sendAs =
  ({ accessToken }: Held): Send =>
  (url, { method = 'GET', headers = {} } = {}) =>
    fetch(url, { method, headers: { ...headers, authorization: `Bearer ${accessToken ?? ''}` }, redirect: 'manual' });

/** Exports the whole record, and waits until it is there. */
export const exportRecord = async (stack: LocalStack, held: Held): Promise<Held> => {
  const exportUrl = await kickOff(`${stack.origin}/r4/${payerId}`, sendAs(held));
  for (;;) {
    const status = await readStatus(exportUrl, sendAs(held));
    if (status.done) return { ...held, exportUrl };
    await sleep(Math.min(1, status.retryAfterSeconds) * 1000);
  }
};
