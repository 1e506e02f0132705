import { createHash, randomBytes } from 'node:crypto';
import type { MemberKey } from '../payer/data/member-list.ts';
import { memberNamed } from './member.ts';
import { signInThroughGateway } from './through-gateway.ts';

/** Whose identity token to print. */
export interface IdentityRequest {
  readonly member: MemberKey;
  readonly issuer: string;
  readonly clientId: string;
}

/** Whose sign-in, and where it goes. */
export interface SignInRequest {
  readonly member: MemberKey;
  /** The app's own authorize URL, or what is needed to build one. */
  readonly from: { readonly authorizeUrl: string } | AppRequest;
  /** Redeems the code, with this secret unless the client is public. */
  readonly tokens?:
    { readonly clientSecret: string | undefined; readonly codeVerifier: string | undefined } | undefined;
}

/** An authorize request that the command makes, with PKCE. */
export interface AppRequest {
  readonly gateway: string;
  readonly payer: string;
  readonly client: string;
  readonly redirectUri: string;
  readonly scope: string | undefined;
}

/** What came of a sign-in. */
export interface SignedIn {
  /** The partner's redirect URI with the code. */
  readonly redirect: string;
  /** PKCE's verifier, if the command made the request. */
  readonly codeVerifier: string | undefined;
  /** The token answer, if it was asked for. */
  readonly tokens: object | undefined;
}

/** An authorize request, and the verifier that its code needs. */
interface Authorization {
  readonly url: string;
  readonly codeVerifier: string;
}

/** A public client's authorize request, with a new state and PKCE. */
export const withPkce = ({ gateway, payer, client, redirectUri, scope }: AppRequest): Authorization => {
  const codeVerifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: client,
    redirect_uri: redirectUri,
    state: randomBytes(16).toString('base64url'),
    ...(scope === undefined ? {} : { scope }),
    code_challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  return { url: `${gateway}/oauth2/authorize/${encodeURIComponent(payer)}?${query.toString()}`, codeVerifier };
};

/** @throws Error with the reason, if the redirect has no code or another state */
export const codeIn = (redirect: string, authorizeUrl: string): string => {
  const [query, asked] = [new URL(redirect).searchParams, new URL(authorizeUrl).searchParams];
  const code = query.get('code');
  if (code === null) {
    const [error, description] = [query.get('error') ?? 'no code', query.get('error_description')];
    throw new Error(`the app would get ${error}${description === null ? '' : `: ${description}`}`);
  }
  if (query.get('state') !== asked.get('state'))
    throw new Error('the redirect does not repeat the state of the request');
  return code;
};

const parseObject = (text: string): Readonly<Record<string, unknown>> => {
  try {
    return (JSON.parse(text) as Record<string, unknown> | null) ?? {};
  } catch {
    return {};
  }
};

/** The sentence of an OAuth error, whole, since it ends with the reference; or how another answer begins. */
const saidIn = (text: string): string => {
  const { error, error_description: description } = parseObject(text);
  return typeof error === 'string' && typeof description === 'string' ? `${error}: ${description}` : text.slice(0, 300);
};

const redeem = async (authorizeUrl: string, form: Readonly<Record<string, string>>): Promise<object> => {
  const url = `${new URL(authorizeUrl).origin}/oauth2/token`;
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(form) });
  const text = await answer.text();
  const hint =
    answer.status === 401 && form['client_secret'] === undefined
      ? '. For a client with a secret add --client-secret'
      : '';
  if (answer.status !== 200) throw new Error(`/oauth2/token answered ${answer.status}: ${saidIn(text)}${hint}`);
  return JSON.parse(text) as object;
};

/** Signs a member in and, if asked, redeems the code. @throws Error with one line if it does not work */
export const signIn = async ({ member, from, tokens }: SignInRequest): Promise<SignedIn> => {
  const { url, codeVerifier } =
    'authorizeUrl' in from ? { url: from.authorizeUrl, codeVerifier: undefined } : withPkce(from);
  const redirect = await signInThroughGateway(url, memberNamed(member));
  const code = codeIn(redirect, url);
  if (tokens === undefined) return { redirect, codeVerifier, tokens: undefined };
  const verifier = codeVerifier ?? tokens.codeVerifier;
  const asked = new URL(url).searchParams;
  return {
    redirect,
    codeVerifier,
    tokens: await redeem(url, {
      grant_type: 'authorization_code',
      code,
      client_id: asked.get('client_id') ?? '',
      redirect_uri: asked.get('redirect_uri') ?? '',
      ...(verifier === undefined ? {} : { code_verifier: verifier }),
      ...(tokens.clientSecret === undefined ? {} : { client_secret: tokens.clientSecret }),
    }),
  };
};

const placeOf = (request: SignInRequest | IdentityRequest): string => {
  if ('issuer' in request) return request.issuer;
  return 'authorizeUrl' in request.from ? request.from.authorizeUrl : request.from.gateway;
};

/** Why it did not work, in one line. */
export const reasonOf = (error: unknown, request: SignInRequest | IdentityRequest): string => {
  const { message } = error as Error;
  const { origin } = new URL(placeOf(request));
  if (message === 'fetch failed') {
    return `${origin} or its payer does not answer; start the local stack with npm start`;
  }
  return message.replaceAll(/\s*\n\s*/g, ' ');
};
