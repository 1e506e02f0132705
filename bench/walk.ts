/** The browser's and the partner's side: what each step sends, and what it takes from the previous answer. */
import type { ApiEvent, ApiResponse } from '../functions/shared/http/api.ts';
import { sha256 } from '../functions/shared/store/crypto.ts';
import { apiEvent } from './api-event.ts';
import type { Gateway } from './gateway.ts';
import { patientId } from './payer-data.ts';
import { measured } from './stage.ts';

const { payer, partner, secret, redirectUri } = measured;
const verifier = 'v'.repeat(64);
const basic = { Authorization: `Basic ${Buffer.from(`${partner}:${secret}`).toString('base64')}` };

export const authorizeEvent = (): ApiEvent =>
  apiEvent('/oauth2/authorize/{payer}', {
    path: `/oauth2/authorize/${payer}`,
    pathParameters: { payer },
    query: {
      response_type: 'code',
      client_id: partner,
      redirect_uri: redirectUri,
      state: 's'.repeat(43),
      scope: 'launch/patient patient/*.rs offline_access',
      code_challenge: sha256(verifier),
      code_challenge_method: 'S256',
    },
  });

/** Where an answer redirects to. @throws Error if it does not */
export const redirectOf = ({ statusCode, headers, multiValueHeaders }: ApiResponse): URL => {
  const location = headers?.['Location'] ?? headers?.['location'] ?? multiValueHeaders?.['location']?.[0];
  if (statusCode !== 302 || location === undefined) throw new Error(`no redirect, but ${statusCode}`);
  return new URL(location, measured.origin);
};

/** A redirect's parameter. @throws Error if it is missing */
export const sentBack = (answer: ApiResponse, name: string): string => {
  const value = redirectOf(answer).searchParams.get(name);
  if (value === null) throw new Error(`the redirect has no ${name}`);
  return value;
};

/** The cookies that answers set, as a browser sends them. A later one replaces an earlier one of the same name. */
export const cookiesOf = (...answers: readonly ApiResponse[]): string => {
  const jar = new Map<string, string>();
  for (const { multiValueHeaders } of answers) {
    for (const cookie of multiValueHeaders?.['Set-Cookie'] ?? multiValueHeaders?.['set-cookie'] ?? []) {
      const pair = cookie.split(';')[0] ?? '';
      jar.set(pair.slice(0, pair.indexOf('=')), pair);
    }
  }
  return [...jar.values()].join('; ');
};

/** The payer's redirect, after the answer of the authorize step. */
export const callbackEvent = (started: ApiResponse): ApiEvent =>
  apiEvent('/oauth2/callback/{payer}', {
    path: `/oauth2/callback/${payer}`,
    pathParameters: { payer },
    query: { code: 'c'.repeat(43), state: sentBack(started, 'state') },
    headers: { Cookie: cookiesOf(started) },
  });

const tokenEvent = (form: Record<string, string>): ApiEvent =>
  apiEvent('/oauth2/token', { method: 'POST', form, headers: basic });

/** The redemption, after the answer of the callback step. */
export const redeemEvent = (returned: ApiResponse): ApiEvent =>
  tokenEvent({
    grant_type: 'authorization_code',
    code: sentBack(returned, 'code'),
    redirect_uri: redirectUri,
    code_verifier: verifier,
  });

export const refreshEvent = (refreshToken: string): ApiEvent =>
  tokenEvent({ grant_type: 'refresh_token', refresh_token: refreshToken });

/** A read of a path below the payer's FHIR base. */
export const fetchEvent = (accessToken: string, proxy: string, query?: Record<string, string>): ApiEvent =>
  apiEvent('/r4/{payer}/{proxy+}', {
    path: `/r4/${payer}/${proxy}`,
    pathParameters: { payer, proxy },
    headers: { Authorization: `Bearer ${accessToken}`, Accept: 'application/fhir+json' },
    ...(query === undefined ? {} : { query }),
  });

/** The read of the 2 KB patient. */
export const patientEvent = (accessToken: string): ApiEvent => fetchEvent(accessToken, `Patient/${patientId}`);

/** The tokens of a token answer. @throws Error for any other answer */
export interface Pair {
  readonly access_token: string;
  readonly refresh_token: string;
}

export const pairOf = ({ statusCode, body }: ApiResponse): Pair => {
  const { access_token, refresh_token } = (typeof body === 'string' ? JSON.parse(body) : {}) as Partial<Pair>;
  if (statusCode !== 200 || access_token === undefined || refresh_token === undefined) {
    throw new Error(`no tokens, but ${statusCode}`);
  }
  return { access_token, refresh_token };
};

/** A whole login, up to the code. */
export const logIn = async (gateway: Pick<Gateway, 'authorize' | 'callback'>): Promise<ApiResponse> =>
  gateway.callback(callbackEvent(await gateway.authorize(authorizeEvent())));

/** A login and its redemption. */
export const connect = async (gateway: Omit<Gateway, 'fetch'>): Promise<Pair> =>
  pairOf(await gateway.token(redeemEvent(await logIn(gateway))));
