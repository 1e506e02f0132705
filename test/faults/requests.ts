import { basic, es384Jwk, redirectUri } from '../support/login.ts';
import * as requests from '../support/login/requests.ts';
import { begin, cookieHeader, returnRequest, type Line } from '../support/login/steps.ts';
import * as steps from '../support/login/steps.ts';
import { toEvent } from '../support/login/to-event.ts';
import type { GatewayAnswer, GatewayRequest, Instance } from './instance.ts';
import { origin } from './origin.ts';

/** The partner's key for `private_key_jwt`. */
export const partnerKey = es384Jwk('partner-key');

const payer = 'northwind';
const clientId = 'demo-partner';

const toFunction = (request: requests.GatewayRequest): GatewayRequest => ({
  function: requests.functionOf(request),
  event: toEvent(request),
});

const authorize = requests.authorizeRequest(payer, {
  client_id: clientId,
  redirect_uri: redirectUri,
  state: 'partner-state',
});
export const authorizeRequest = (): GatewayRequest => toFunction(authorize);

const partnerRequest = (
  endpoint: requests.PartnerEndpoint,
  form: requests.Change,
  headers: Record<string, string> = basic(),
): GatewayRequest => toFunction(requests.partnerRequest(endpoint, form, headers));

export const redeemRequest = (code: string): GatewayRequest => partnerRequest('token', requests.redemption(code));
/** A redemption by a public client. */
export const redeemAs = (publicId: string, code: string): GatewayRequest =>
  partnerRequest('token', requests.redemption(code, { client_id: publicId }), {});
export const refreshRequest = (token: string): GatewayRequest => partnerRequest('token', requests.renewal(token));
export const revokeRequest = (token: string): GatewayRequest => partnerRequest('revoke', { token });
export const introspectRequest = (token: string): GatewayRequest => partnerRequest('introspect', { token });

/** A redemption by a client that authenticates with an assertion: a new one each time, as clients make them. */
export const redeemWithAssertion = async (code: string, nowMs: number): Promise<GatewayRequest> => {
  const now = Math.floor(nowMs / 1000);
  const proof = await requests.assertionForm({ clientId, key: partnerKey.privateJwk, origin, now });
  return partnerRequest('token', requests.redemption(code, proof), {});
};

export const readRequest = (token: string): GatewayRequest => toFunction(requests.readRequest(payer, 'Patient', token));
export const discoveryRequest = (document: string): GatewayRequest =>
  toFunction(requests.documentRequest(payer, document));

/** What a partner holds. */
export interface Pair {
  readonly access: string;
  readonly refresh: string;
}

/** The parameters of a browser's redirect. */
export const sentOn = ({ headers }: GatewayAnswer): URLSearchParams =>
  new URL(headers['Location'] ?? 'about:blank').searchParams;

export const pairOf = ({ status, body }: GatewayAnswer): Pair => {
  const { access_token: access, refresh_token: refresh } = JSON.parse(body) as Record<string, string | undefined>;
  if (access === undefined || refresh === undefined) throw new Error(`no pair: ${status} ${body}`);
  return { access, refresh };
};

/** Where a member signs in. */
interface Place {
  readonly payer: Pick<Line<GatewayAnswer>, 'signIn'>;
}

const lineTo = ({ payer: { signIn } }: Place, { call }: Pick<Instance, 'call'>): Line<GatewayAnswer> => ({
  send: (request) => call(toFunction(request)),
  look: ({ status, headers, cookies, body }) => ({ status, location: headers['Location'], cookies, text: () => body }),
  signIn,
});

/** What a browser sends when it returns from the payer to which this answer sent it; the same each time. */
export const comingBack = async (
  { payer: { signIn } }: Place,
  { headers, cookies }: GatewayAnswer,
): Promise<() => GatewayRequest> => {
  const back = await signIn(new URL(headers['Location'] ?? 'about:blank'));
  return () => toFunction(returnRequest(back, cookieHeader(cookies)));
};

/** A browser that returns from the payer. */
export const startLogin = async (place: Place, instance: Instance): Promise<() => GatewayRequest> =>
  comingBack(place, (await begin(lineTo(place, instance), authorize)).response);

/** A login up to the partner's code. */
export const login = async (place: Place, instance: Instance): Promise<string> =>
  (await steps.login(lineTo(place, instance), authorize)).code;

/** A login and its redemption. */
export const connect = async (place: Place, instance: Instance): Promise<Pair> =>
  pairOf(await instance.call(redeemRequest(await login(place, instance))));
