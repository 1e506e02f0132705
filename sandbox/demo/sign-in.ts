import { randomBytes } from 'node:crypto';
import { signInAsMember } from '../payer/walk.ts';
import type { WalkMember } from '../payer/walk.ts';
import { codeIn, withPkce } from '../sign-in/sign-in.ts';
import { signInThroughGateway } from '../sign-in/through-gateway.ts';
import { send } from './curl.ts';
import type { DemoRequest } from './curl.ts';
import type { DemoIdentity } from './identity-parts.ts';
import type { Take } from './step.ts';

/** The servers that the demo calls, and its credentials there. */
export interface DemoParts {
  readonly gatewayOrigin: string;
  readonly payerId: string;
  /** A public client, as in the README. */
  readonly partner: { readonly clientId: string; readonly redirectUri: string };
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
  /** A grant by the member's identity, in place of a sign-in at the payer. @default a sign-in */
  readonly identity?: DemoIdentity | undefined;
  /** Stops the run before its next step. */
  readonly signal: AbortSignal;
}

/** Secrets that must not be printed, by the names that replace them. */
export type RunSecrets = Record<string, string | undefined>;

export interface TokenAnswer {
  readonly access_token: string;
  readonly refresh_token?: string;
  readonly patient?: string;
}

/** The first two calls of a partner app: authorize, token. */
export const signIn = async (parts: DemoParts, take: Take, secrets: RunSecrets): Promise<TokenAnswer> => {
  const { gatewayOrigin, payerId, partner } = parts;
  const { clientId, redirectUri } = partner;
  const app = { gateway: gatewayOrigin, payer: payerId, client: clientId, redirectUri, scope: undefined };
  const { url, codeVerifier } = withPkce(app);
  Object.assign(secrets, { state: new URL(url).searchParams.get('state'), code_verifier: codeVerifier });

  const code = await take('authorize', 'Step 1: the member authorizes', async () => {
    const back = await signInThroughGateway(url, parts.member);
    const value = codeIn(back, url);
    secrets['code'] = value;
    const response = `The member allows it, signs in at the payer and allows it there; the browser comes back to\n${back}`;
    return { value, request: { method: 'GET', url }, response };
  });

  return take('token', 'Step 2: the code becomes a token', async () => {
    const form = {
      grant_type: 'authorization_code',
      client_id: clientId,
      redirect_uri: redirectUri,
      code_verifier: codeVerifier,
      code,
    };
    const request: DemoRequest = { method: 'POST', url: `${gatewayOrigin}/oauth2/token`, form };
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
    const code = codeIn(await signInAsMember(url, parts.member), url);
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

const withQuery = (url: string, parameters: Readonly<Record<string, string>>): string => {
  return `${url}?${new URLSearchParams(parameters).toString()}`;
};
