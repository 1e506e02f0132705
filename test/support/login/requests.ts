import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { importJWK, SignJWT } from 'jose';

/* What a partner and a member's browser send to the gateway, in process or over HTTP. */

/** Parameters; undefined omits one. */
export type Change = Readonly<Record<string, string | undefined>>;
export type Pairs = readonly (readonly [string, string])[];

/** One request to the gateway. */
export interface GatewayRequest {
  /** The route's pattern, such as `/oauth2/authorize/{payer}`. */
  readonly route: string;
  readonly method?: string;
  /** The values of the pattern's parameters. */
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Pairs;
  readonly form?: Readonly<Record<string, string>> | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a request may add. */
type More = Pick<GatewayRequest, 'method' | 'headers'>;

/** Parameters without the undefined ones. */
export const filled = (parameters: Change): Record<string, string> =>
  Object.fromEntries(Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined));

/** The S256 challenge of a verifier (RFC 7636 §4.2). */
export const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url');
export const pkceOf = (verifier: string) => ({
  code_challenge: challengeOf(verifier),
  code_challenge_method: 'S256',
});
export const freshVerifier = (prefix = ''): string => `${prefix}${randomBytes(32).toString('base64url')}`;

/** A Basic header as clients write it that encode nothing. */
export const basicOf = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

/** Who signs a client assertion, and for whom. */
interface Assertion {
  readonly clientId: string;
  readonly key: Readonly<Record<string, unknown>>;
  /** The gateway's origin. */
  readonly origin: string;
  /** Epoch seconds. */
  readonly now: number;
  readonly jti?: string;
}

/** A client assertion, which is valid once (RFC 7523 §2.2). */
export const assertionForm = async ({ clientId, key, origin, now, jti = randomUUID() }: Assertion) => ({
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion: await new SignJWT({ jti })
    .setProtectedHeader({ alg: 'ES384', kid: String(key['kid']) })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(`${origin}/oauth2/token`)
    .setExpirationTime(now + 200)
    .sign(await importJWK(key, 'ES384')),
});

export const authorizeRequest = (
  payer: string,
  parameters: Change | Pairs,
  { method = 'GET', headers = {} }: More = {},
): GatewayRequest => {
  const pairs = Array.isArray(parameters) ? (parameters as Pairs) : Object.entries(filled(parameters as Change));
  const given =
    method === 'POST' ? { form: new URLSearchParams(pairs.map(([...pair]) => pair)).toString() } : { query: pairs };
  return { route: '/oauth2/authorize/{payer}', path: { payer }, method, headers, ...given };
};

export const callbackRequest = (
  payer: string,
  parameters: Change | Pairs,
  { cookie, method = 'GET', headers = {} }: More & { readonly cookie?: string | undefined } = {},
): GatewayRequest => ({
  route: '/oauth2/callback/{payer}',
  path: { payer },
  method,
  query: Array.isArray(parameters) ? (parameters as Pairs) : Object.entries(filled(parameters as Change)),
  headers: { ...(cookie === undefined ? {} : { Cookie: cookie }), ...headers },
});

/** An endpoint for partners. */
export type PartnerEndpoint = 'token' | 'revoke' | 'introspect';

export const partnerRequest = (
  endpoint: PartnerEndpoint,
  form: Change | string,
  headers: Readonly<Record<string, string>> = {},
): GatewayRequest => ({
  route: `/oauth2/${endpoint}`,
  method: 'POST',
  form: typeof form === 'string' ? form : filled(form),
  headers,
});

/** What a redemption and a refresh send to the token endpoint. */
export const redemption = (code: string, change: Change = {}): Change => ({
  grant_type: 'authorization_code',
  code,
  ...change,
});
export const renewal = (refreshToken: string, change: Change = {}): Change => ({
  grant_type: 'refresh_token',
  refresh_token: refreshToken,
  ...change,
});

/** A read below a payer's FHIR base; a path has no leading slash, or is empty. */
export const readRequest = (
  payer: string,
  path: string,
  token: string | undefined,
  { headers = {}, ...more }: Omit<GatewayRequest, 'route' | 'path'> = {},
): GatewayRequest => ({
  route: path === '' ? '/r4/{payer}' : '/r4/{payer}/{proxy+}',
  path: { payer, ...(path === '' ? {} : { proxy: path }) },
  ...more,
  headers: { ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }), ...headers },
});

/** A document that requires no token, such as `metadata`. */
export const documentRequest = (payer: string, document: string): GatewayRequest => ({
  route: `/r4/{payer}/${document}`,
  path: { payer },
});

export type FunctionName = 'authorize' | 'callback' | 'token' | 'discovery' | 'fetch';

/** The function that serves a request. */
export const functionOf = ({ route }: GatewayRequest): FunctionName => {
  if (route.startsWith('/oauth2/authorize')) return 'authorize';
  if (route.startsWith('/oauth2/callback')) return 'callback';
  if (route.startsWith('/oauth2/')) return 'token';
  return /well-known|metadata/.test(route) ? 'discovery' : 'fetch';
};
