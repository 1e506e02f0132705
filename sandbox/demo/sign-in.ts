import { randomBytes } from 'node:crypto';
import { signInAsMember } from '../payer/walk.ts';
import type { WalkMember } from '../payer/walk.ts';
import { signInThroughGateway } from '../sign-in/through-gateway.ts';
import { send } from './curl.ts';
import type { DemoRequest } from './curl.ts';
import type { Take } from './step.ts';

/** The servers that the demo calls, and its credentials there. */
export interface DemoParts {
  readonly gatewayOrigin: string;
  readonly payerId: string;
  readonly partner: { readonly clientId: string; readonly clientSecret: string; readonly redirectUri: string };
  /** The payer itself and the gateway's registration there, to read the record directly for the comparison. */
  readonly payer: {
    readonly fhirBaseUrl: string;
    readonly authorizationEndpoint: string;
    readonly tokenEndpoint: string;
    readonly clientId: string;
    readonly clientSecret: string;
  };
  /** The member who signs in. */
  readonly member: WalkMember;
  /** Stops the run before its next step. */
  readonly signal: AbortSignal;
}

/** Secrets that must not be printed, by the names that replace them. */
export type RunSecrets = Record<string, string | undefined>;

interface TokenAnswer {
  readonly access_token: string;
  readonly refresh_token?: string;
  readonly patient?: string;
}

/** The first two calls of a partner app: authorize, token. */
export const signIn = async (parts: DemoParts, take: Take, secrets: RunSecrets): Promise<TokenAnswer> => {
  const { clientId, clientSecret, redirectUri } = parts.partner;
  const state = randomBytes(16).toString('base64url');
  Object.assign(secrets, { state, client_secret: clientSecret });

  const code = await take('authorize', 'Step 1: the member authorizes', async () => {
    const url = withQuery(`${parts.gatewayOrigin}/oauth2/authorize/${parts.payerId}`, {
      client_id: clientId,
      state,
      redirect_uri: redirectUri,
    });
    const back = await signInThroughGateway(url, parts.member);
    const value = codeOf(back, state);
    secrets['code'] = value;
    const response = `The member signs in at the payer and agrees; the browser comes back to\n${back}`;
    return { value, request: { method: 'GET', url }, response };
  });

  return take('token', 'Step 2: the code becomes a token', async () => {
    const form = { client_id: clientId, client_secret: clientSecret, code, grant_type: 'authorization_code' };
    const request: DemoRequest = { method: 'POST', url: `${parts.gatewayOrigin}/oauth2/token`, form };
    const answer = await tokenFrom(request);
    Object.assign(secrets, { access_token: answer.access_token, refresh_token: answer.refresh_token });
    return { value: answer, request, response: JSON.stringify(answer, undefined, 2) };
  });
};

/** Gets a token from the payer itself, to read the record there for the comparison. */
export const signInAtPayer = (parts: DemoParts, take: Take, secrets: RunSecrets): Promise<string> =>
  take('payer', 'The payer itself, for comparison', async () => {
    const state = randomBytes(16).toString('base64url');
    const redirectUri = `${parts.gatewayOrigin}/oauth2/callback/${parts.payerId}`;
    const { authorizationEndpoint, tokenEndpoint, clientId, clientSecret } = parts.payer;
    const url = withQuery(authorizationEndpoint, { client_id: clientId, state, redirect_uri: redirectUri });
    const code = codeOf(await signInAsMember(url, parts.member), state);
    const form = { client_id: clientId, client_secret: clientSecret, code, grant_type: 'authorization_code' };
    const request: DemoRequest = { method: 'POST', url: tokenEndpoint, form };
    const answer = await tokenFrom(request);
    Object.assign(secrets, { payer_code: code, payer_secret: clientSecret, payer_token: answer.access_token });
    return { value: answer.access_token, request, response: 'The payer’s own token, which partners never see.' };
  });

const tokenFrom = async (request: DemoRequest): Promise<TokenAnswer> => {
  const { status, text } = await send(request);
  if (status !== 200) throw new Error(`the token endpoint answered ${status}: ${text}`);
  return JSON.parse(text) as TokenAnswer;
};

const codeOf = (redirect: string, state: string): string => {
  const query = new URL(redirect).searchParams;
  const code = query.get('code');
  if (code === null) throw new Error(`the sign-in ended in ${query.get('error') ?? 'no code'}`);
  if (query.get('state') !== state) throw new Error('the returned state differs');
  return code;
};

const withQuery = (url: string, parameters: Readonly<Record<string, string>>): string => {
  return `${url}?${new URLSearchParams(parameters).toString()}`;
};
