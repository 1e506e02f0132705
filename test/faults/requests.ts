import { randomUUID } from 'node:crypto';
import { importJWK, SignJWT } from 'jose';
import { apiEvent } from '../support/gateway.ts';
import { basic, es384Jwk, redirectUri } from '../support/login.ts';
import type { GatewayAnswer, GatewayRequest, Instance } from './instance.ts';

/** The partner's key for `private_key_jwt`. */
export const partnerKey = es384Jwk('partner-key');

const payer = 'northwind';

export const authorizeRequest = (): GatewayRequest => ({
  function: 'authorize',
  event: apiEvent('/oauth2/authorize/{payer}', {
    path: { payer },
    query: [
      ['client_id', 'demo-partner'],
      ['redirect_uri', redirectUri],
      ['state', 'partner-state'],
    ],
  }),
});

export const callbackRequest = (state: string, cookie: string): GatewayRequest => ({
  function: 'callback',
  event: apiEvent('/oauth2/callback/{payer}', {
    path: { payer },
    query: [
      ['state', state],
      ['code', `payer-code-${state}`],
    ],
    headers: { Cookie: cookie },
  }),
});

const partnerRequest =
  (resource: string) =>
  (form: Record<string, string>, headers: Record<string, string> = basic()): GatewayRequest => ({
    function: 'token',
    event: apiEvent(resource, { method: 'POST', form, headers }),
  });

const tokenRequest = partnerRequest('/oauth2/token');
export const redeemRequest = (code: string): GatewayRequest => tokenRequest({ grant_type: 'authorization_code', code });
/** A redemption by a public client. */
export const redeemAs = (clientId: string, code: string): GatewayRequest =>
  tokenRequest({ grant_type: 'authorization_code', client_id: clientId, code }, {});
export const refreshRequest = (token: string): GatewayRequest =>
  tokenRequest({ grant_type: 'refresh_token', refresh_token: token });
export const revokeRequest = (token: string): GatewayRequest => partnerRequest('/oauth2/revoke')({ token });
export const introspectRequest = (token: string): GatewayRequest => partnerRequest('/oauth2/introspect')({ token });

/** A redemption whose client proves itself by an assertion: a new one each time, as clients make them. */
export const redeemWithAssertion = async (code: string, nowMs: number): Promise<GatewayRequest> => {
  const assertion = await new SignJWT({
    iss: 'demo-partner',
    sub: 'demo-partner',
    aud: 'https://gateway.example.org/oauth2/token',
    jti: randomUUID(),
    exp: Math.floor(nowMs / 1000) + 200,
  })
    .setProtectedHeader({ alg: 'ES384', kid: 'partner-key' })
    .sign(await importJWK(partnerKey.privateJwk, 'ES384'));
  const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
  const form = { client_assertion: assertion, client_assertion_type: assertionType };
  return tokenRequest({ grant_type: 'authorization_code', code, ...form }, {});
};

export const readRequest = (token: string): GatewayRequest => ({
  function: 'fetch',
  event: apiEvent('/r4/{payer}/{proxy+}', {
    path: { payer, proxy: 'Patient' },
    headers: { Authorization: `Bearer ${token}` },
  }),
});

export const discoveryRequest = (document: string): GatewayRequest => ({
  function: 'discovery',
  event: apiEvent(`/r4/{payer}/${document}`, { path: { payer } }),
});

/** What a partner holds. */
export interface Pair {
  readonly access: string;
  readonly refresh: string;
}

/** The parameters that a browser is sent on with. */
export const sentOn = ({ headers }: GatewayAnswer): URLSearchParams =>
  new URL(headers['Location'] ?? 'about:blank').searchParams;

export const pairOf = ({ status, body }: GatewayAnswer): Pair => {
  const { access_token: access, refresh_token: refresh } = JSON.parse(body) as Record<string, string | undefined>;
  if (access === undefined || refresh === undefined) throw new Error(`no pair: ${status} ${body}`);
  return { access, refresh };
};

/** A browser on its way to the payer. */
export const startLogin = async ({ call }: Instance): Promise<{ state: string; cookie: string }> => {
  const answer = await call(authorizeRequest());
  const state = sentOn(answer).get('state');
  if (state === null) throw new Error(`no state: ${answer.status} ${answer.body}`);
  return { state, cookie: answer.cookies.map((cookie) => cookie.split(';')[0]).join('; ') };
};

/** A login up to the partner's code. */
export const login = async (instance: Instance): Promise<string> => {
  const { state, cookie } = await startLogin(instance);
  const answer = await instance.call(callbackRequest(state, cookie));
  const code = sentOn(answer).get('code');
  if (code === null) throw new Error(`no code: ${answer.status} ${answer.headers['Location'] ?? answer.body}`);
  return code;
};

/** A login and its redemption. */
export const connect = async (instance: Instance): Promise<Pair> =>
  pairOf(await instance.call(redeemRequest(await login(instance))));
