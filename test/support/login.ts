import { generateKeyPairSync } from 'node:crypto';
import { authorizeHandler } from '../../functions/authorize/handler.ts';
import { callbackHandler } from '../../functions/callback/handler.ts';
import type { ApiResponse } from '../../functions/shared/http/api.ts';
import type { ReadPayerSecret } from '../../functions/shared/payer/secrets.ts';
import { registryOf } from '../../functions/shared/registry/registry.ts';
import type { RegistryData } from '../../functions/shared/registry/types.ts';
import type { IndexMember } from '../../functions/shared/store/index-member.ts';
import { tokenHandler } from '../../functions/token/handler.ts';
import { call, cookiesOf, localData, testDeps } from './gateway.ts';
import {
  authorizeRequest,
  basicOf,
  callbackRequest,
  filled,
  partnerRequest,
  pkceOf,
  redemption,
  renewal,
  type Change,
  type Pairs,
  type PartnerEndpoint,
} from './login/requests.ts';
import { toEvent } from './login/to-event.ts';
import { withoutReference } from './reference.ts';

/** The local stage, with the short code lifetime of every other stage. */
export const localRegistry = (): RegistryData => {
  const data = localData();
  return { ...data, lifetimes: { ...data.lifetimes, code: 60 } };
};

export const redirectUri = 'http://localhost:3002/callback';
/** What a partner sends to authorize. An array of pairs replaces the usual parameters. */
const usual = { client_id: 'demo-partner', redirect_uri: redirectUri, state: 'partner-state' };
export const basic = (id = 'demo-partner', secret = 'demo-partner-secret'): Record<string, string> => ({
  Authorization: basicOf(id, secret),
});
export const verifier = 'a-verifier-that-is-long-enough-for-rfc-7636-4.1';
export const pkce = pkceOf(verifier);

/** A key pair that a payer or partner would register. */
export const es384Jwk = (
  kid = 'key-1',
): { privateJwk: Record<string, unknown>; publicJwk: { kty: string; kid: string } } => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  return {
    privateJwk: { ...privateKey.export({ format: 'jwk' }), kid, alg: 'ES384' },
    publicJwk: { ...publicKey.export({ format: 'jwk' }), kty: 'EC', kid },
  };
};
const gatewayKey = es384Jwk('northwind-local-1');

/** What Northwind's token endpoint answers if all is well. */
export const northwindTokens = {
  access_token: 'payer-access-token',
  refresh_token: 'payer-refresh-token',
  token_type: 'Bearer',
  expires_in: 300,
  scope: 'launch/patient patient/*.rs offline_access',
  patient: 'patient-1',
};

export interface TokenBody {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
  readonly scope: string;
  readonly patient?: string;
  readonly error?: string;
  readonly error_description?: string;
  readonly active?: boolean;
}

/** What a partner is told, its error's reference checked and taken off. */
const toldBy = <T extends { readonly error_description?: string }>(answer: T): T =>
  answer.error_description === undefined
    ? answer
    : { ...answer, error_description: withoutReference(answer.error_description) };

/** An answer's JSON body. */
export const bodyOf = (response: ApiResponse): TokenBody => toldBy(JSON.parse(response.body as string) as TokenBody);
/** A redirect's parameters. */
export const sentBack = (response: ApiResponse): Record<string, string> =>
  toldBy(Object.fromEntries(new URL(response.headers['Location'] ?? 'about:blank').searchParams));

/** Expects an error page, and a log line with its reference that names this payer and partner and says why. */
export const expectErrorPage = (
  { lastLine }: Pick<ReturnType<typeof testDeps>, 'lastLine'>,
  { statusCode, headers, body }: ApiResponse,
  page: {
    /** @default 400 */
    readonly status?: number;
    readonly title: string;
    readonly text: string;
    /** @default text */
    readonly detail?: string;
    readonly error?: string;
    readonly payer?: string;
    readonly partner?: string | undefined;
  },
): void => {
  const { status = 400, title, text, detail = text, error = 'invalid_request', payer, partner } = page;
  expect(statusCode).toBe(status);
  expect(headers['Location']).toBeUndefined();
  expect(headers['Content-Type']).toBe('text/html; charset=utf-8');
  expect(body).toContain(`<h1>${title}</h1>`);
  expect(body).toContain(`>${text}</`);
  const line = lastLine();
  expect([line['error'], line['detail'], line['payer'], line['partner']]).toEqual([error, detail, payer, partner]);
  const [, shown = 'none'] = /Reference: ([0-9a-f-]+)</.exec(typeof body === 'string' ? body : '') ?? [];
  expect(line['requestId']).toMatch(new RegExp(`^${shown}-`));
};

/** The form of a request to a payer. */
export const formOf = (init: RequestInit | undefined): URLSearchParams =>
  new URLSearchParams(typeof init?.body === 'string' ? init.body : '');

interface Options {
  readonly registry?: RegistryData;
  readonly readPayerSecret?: ReadPayerSecret;
  readonly indexMember?: IndexMember;
  readonly ownDomain?: boolean;
}

/** The three functions of a login over one memory, and a payer that answers as Northwind does. */
export const gateway = ({
  registry = localRegistry(),
  readPayerSecret,
  indexMember,
  ownDomain = false,
}: Options = {}) => {
  const test = testDeps({ registry });
  test.secrets['northwind'] = { private_key_jwk: gatewayKey.privateJwk };
  test.payer.http = () => Promise.resolve(Response.json(northwindTokens));
  const over = (data: RegistryData) => {
    const deps = {
      ...test.deps,
      registry: registryOf(data, test.stops, test.deps.clock.now),
      pages: { ...test.deps.pages, ownDomain },
      ...(readPayerSecret ? { readPayerSecret } : {}),
      ...(indexMember ? { indexMember } : {}),
    };
    const handlers = { authorize: authorizeHandler(deps), callback: callbackHandler(deps), token: tokenHandler(deps) };
    const partnerCall =
      (endpoint: PartnerEndpoint) =>
      (form: Record<string, string> | string, headers: Record<string, string> = basic()) =>
        call(handlers.token, toEvent(partnerRequest(endpoint, form, headers)));
    const authorize = (
      query: Change | Pairs = {},
      { payer = 'northwind', ...options }: { payer?: string; method?: string; headers?: Record<string, string> } = {},
    ) => {
      const parameters = Array.isArray(query) ? (query as Pairs) : { ...usual, ...(query as Change) };
      return call(handlers.authorize, toEvent(authorizeRequest(payer, parameters, options)));
    };
    const callback = (
      query: Change | Pairs,
      {
        payer = 'northwind',
        cookie = '',
        ...options
      }: { payer?: string; cookie?: string; method?: string; headers?: Record<string, string> } = {},
    ) => call(handlers.callback, toEvent(callbackRequest(payer, query, { cookie, ...options })));
    const token = partnerCall('token');
    /** A browser that has reached the payer: the gateway's state, and the cookie. */
    const start = async (query: Change | Pairs = {}, options: Parameters<typeof authorize>[1] = {}) => {
      const response = await authorize(query, options);
      return { state: sentBack(response)['state'] ?? '', cookie: cookiesOf(response), response };
    };
    const fromPayer = (state: string): Record<string, string> => ({
      state,
      code: 'payer-code',
      iss: 'http://127.0.0.1:3003',
    });
    /** A whole login: the partner's code. */
    const login = async (query: Change | Pairs = {}, options: { payer?: string } = {}): Promise<string> => {
      const { state, cookie } = await start(query, options);
      const response = await callback(fromPayer(state), { cookie, ...options });
      const { code } = sentBack(response);
      if (code === undefined) throw new Error(`no code: ${response.headers['Location'] ?? response.body}`);
      return code;
    };
    const redeem = (code: string, form: Record<string, string> = {}, headers?: Record<string, string>) =>
      token(filled(redemption(code, form)), headers);
    const refresh = (refreshToken: string, form: Record<string, string> = {}, headers?: Record<string, string>) =>
      token(filled(renewal(refreshToken, form)), headers);
    return {
      handlers,
      authorize,
      callback,
      token,
      start,
      fromPayer,
      login,
      redeem,
      refresh,
      revoke: partnerCall('revoke'),
      introspect: partnerCall('introspect'),
      /** A login and its redemption: a pair. */
      connect: async (query: Change | Pairs = {}): Promise<TokenBody> => bodyOf(await redeem(await login(query))),
    };
  };
  return {
    ...test,
    ...over(registry),
    /** The same memory with another configuration. */
    reconfigured: (change: (data: RegistryData) => RegistryData) => over(change(registry)),
    /** Whether a pair's access token is valid, according to introspection by its partner. */
    isActive: async (accessToken: string, headers = basic()): Promise<boolean> =>
      bodyOf(await over(registry).introspect({ token: accessToken }, headers)).active === true,
    grant: () => {
      const grants = [...test.dynamo.items('Grants').values()].filter((item) => item['payer'] !== undefined);
      if (grants.length !== 1 || grants[0] === undefined) throw new Error(`${grants.length} grants`);
      return grants[0];
    },
  };
};

/** DynamoDB's answer if it fails. */
export const throttled = (): Error =>
  Object.assign(new Error('Throughput exceeds the limit'), { name: 'ProvisionedThroughputExceededException' });

/** The configuration with one partner changed. */
export const withPartner =
  (clientId: string, change: Partial<RegistryData['partners'][number]>) =>
  (data: RegistryData): RegistryData => ({
    ...data,
    partners: data.partners.map((partner) => (partner.clientId === clientId ? { ...partner, ...change } : partner)),
  });

/** The configuration with one payer changed. */
export const withPayer =
  (id: string, change: Partial<RegistryData['payers'][number]>) =>
  (data: RegistryData): RegistryData => ({
    ...data,
    payers: data.payers.map((payer) => (payer.id === id ? { ...payer, ...change } : payer)),
  });

/** The configuration without one partner. */
export const withoutPartner =
  (clientId: string) =>
  (data: RegistryData): RegistryData => ({
    ...data,
    partners: data.partners.filter((partner) => partner.clientId !== clientId),
  });
