import { createLocalJWKSet, jwtVerify } from 'jose';
import type { Payer } from '../../../functions/shared/registry/types.ts';
import type { PayerRequest } from './answers.ts';
import { locateBy, type Place } from './locate.ts';

/** The gateway as registered at a payer. */
export interface GatewayClient {
  /** What the two have agreed on. */
  readonly profile: Payer;
  readonly redirectUri: string;
  /** If the gateway authenticates with a secret. */
  readonly secret?: string | undefined;
}

/** Where payers keep the gateway's registration. */
export interface Registrations {
  readonly client: (payer: string) => GatewayClient | undefined;
  /** Which payer a URL belongs to, and which part of it. */
  readonly locate: (url: URL) => Place | undefined;
  /** Registers the gateway at these payers. @param origin the gateway's @param secrets by payer */
  readonly register: (
    origin: string,
    profiles: readonly Payer[],
    secrets?: Readonly<Record<string, string | undefined>>,
  ) => void;
  /** From now on, a payer accepts another secret. */
  readonly takeSecret: (payer: string, secret: string) => void;
}

export const registrations = (): Registrations => {
  const known = new Map<string, GatewayClient>();
  return {
    client: (payer) => known.get(payer),
    locate: (url) => locateBy([...known.values()].map(({ profile }) => profile))(url),
    register: (origin, profiles, secrets = {}) => {
      for (const profile of profiles) {
        const redirectUri = `${origin}/oauth2/callback/${profile.id}`;
        known.set(profile.id, { profile, redirectUri, secret: secrets[profile.id] });
      }
    },
    takeSecret: (payer, secret) => {
      const client = known.get(payer);
      if (client !== undefined) known.set(payer, { ...client, secret });
    },
  };
};

const decoded = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));

/** The id and secret in a Basic header (RFC 6749 §2.3.1). */
const basicOf = ({ headers }: PayerRequest): readonly [string, string] => {
  const [, encoded = ''] = /^Basic (.+)$/.exec(headers.authorization ?? '') ?? [];
  const [id = '', secret = ''] = Buffer.from(encoded, 'base64').toString().split(':');
  return [decoded(id), decoded(secret)];
};

const isAssertedBy = async ({ form }: PayerRequest, { profile }: GatewayClient, nowMs: number): Promise<boolean> => {
  const { clientId, tokenEndpoint, publicKeys } = profile;
  const isJwt = form.get('client_assertion_type') === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
  const keys = createLocalJWKSet({ keys: [...publicKeys] });
  const expected = { issuer: clientId, subject: clientId, audience: tokenEndpoint, currentDate: new Date(nowMs) };
  const proof = await jwtVerify(form.get('client_assertion') ?? '', keys, {
    ...expected,
    requiredClaims: ['jti'],
  }).catch(() => undefined);
  return isJwt && proof !== undefined;
};

/** Whether the request authenticates as the gateway, by the one agreed method. */
export const isAuthenticated = async (
  request: PayerRequest,
  client: GatewayClient,
  nowMs: number,
): Promise<boolean> => {
  const { clientId, clientAuthentication } = client.profile;
  if (clientAuthentication === 'private_key_jwt') return isAssertedBy(request, client, nowMs);
  const { form } = request;
  const [id, secret] =
    clientAuthentication === 'client_secret_basic'
      ? basicOf(request)
      : [form.get('client_id'), form.get('client_secret')];
  return client.secret !== undefined && id === clientId && secret === client.secret;
};

/** What is wrong with the gateway's authorize request (RFC 6749 §4.1.1, RFC 7636 §4.3, SMART App Launch). */
export const wrongsOfSignIn = ({ url }: PayerRequest, { profile, redirectUri }: GatewayClient): string[] => {
  const { clientId, scopes, fhirBaseUrl, quirks } = profile;
  // SMART's word for whose record it is. A member who signs in without an app is asked for no more.
  const isOnlyWho = scopes.includes('launch/patient') && url.searchParams.get('scope') === 'launch/patient';
  const expected: Readonly<Record<string, string | undefined>> = {
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: quirks.responseType ? 'code' : undefined,
    aud: quirks.aud ? fhirBaseUrl : undefined,
    scope: isOnlyWho ? 'launch/patient' : scopes.length === 0 ? undefined : scopes.join(' '),
    code_challenge_method: quirks.pkce ? 'S256' : undefined,
  };
  const wrong = Object.entries(expected).filter(([name, value]) => (url.searchParams.get(name) ?? undefined) !== value);
  const challenge = url.searchParams.get('code_challenge');
  return [
    ...wrong.map(([name]) => `signed a member in with a wrong ${name}`),
    ...(quirks.pkce === /^[\w-]{43}$/.test(challenge ?? '') ? [] : ['signed a member in with a wrong code_challenge']),
    ...(url.searchParams.has('state') ? [] : ['signed a member in without a state']),
  ];
};
