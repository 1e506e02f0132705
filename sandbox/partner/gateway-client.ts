import * as openid from 'openid-client';
import type { Read } from './record.ts';

/** What a sign-in must remember until the redirect returns. */
export interface SignIn {
  readonly payerId: string;
  readonly codeVerifier: string;
}

/** The tokens that the gateway issued for one member and one payer. */
export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  readonly patientId: string | undefined;
  readonly expiresAtMs: number;
}

/** The gateway as an OAuth client sees it: one authorization server per payer. */
export interface GatewayClient {
  readonly base: (payerId: string) => string;
  readonly begin: (payerId: string) => Promise<{ url: string; state: string; signIn: SignIn }>;
  readonly finish: (signIn: SignIn, state: string, callback: URL) => Promise<Tokens>;
  readonly renew: (payerId: string, tokens: Tokens) => Promise<Tokens>;
  readonly revoke: (payerId: string, tokens: Tokens) => Promise<void>;
  readonly reader: (payerId: string, accessToken: string) => Promise<Read>;
}

/** How this app is registered with the gateway. */
export interface Registration {
  readonly gatewayOrigin: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
}

const scope = 'launch/patient patient/*.rs offline_access';

/** A client of the gateway that uses only a standard OAuth library. */
export const gatewayClient = (registration: Registration, nowMs: () => number = Date.now): GatewayClient => {
  const base = (payerId: string) => `${registration.gatewayOrigin}/r4/${payerId}`;
  const configurations = new Map<string, openid.Configuration>();

  const configurationOf = async (payerId: string): Promise<openid.Configuration> => {
    const known = configurations.get(payerId);
    if (known) return known;
    const found = await discover(base(payerId), registration);
    configurations.set(payerId, found);
    return found;
  };

  return {
    base,

    async begin(payerId) {
      const configuration = await configurationOf(payerId);
      const state = openid.randomState();
      const codeVerifier = openid.randomPKCECodeVerifier();
      const url = openid.buildAuthorizationUrl(configuration, {
        redirect_uri: registration.redirectUri,
        scope,
        state,
        aud: base(payerId),
        code_challenge: await openid.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      });
      return { url: url.href, state, signIn: { payerId, codeVerifier } };
    },

    async finish(signIn, state, callback) {
      const answer = await openid.authorizationCodeGrant(await configurationOf(signIn.payerId), callback, {
        expectedState: state,
        pkceCodeVerifier: signIn.codeVerifier,
      });
      return tokensOf(answer, nowMs());
    },

    async renew(payerId, tokens) {
      const answer = await openid.refreshTokenGrant(await configurationOf(payerId), tokens.refreshToken ?? '');
      const renewed = tokensOf(answer, nowMs());
      return { ...renewed, refreshToken: renewed.refreshToken ?? tokens.refreshToken };
    },

    async revoke(payerId, tokens) {
      await openid.tokenRevocation(await configurationOf(payerId), tokens.refreshToken ?? tokens.accessToken);
    },

    async reader(payerId, accessToken) {
      const configuration = await configurationOf(payerId);
      return async (url) => {
        const answer = await openid.fetchProtectedResource(
          configuration,
          accessToken,
          new URL(url),
          'GET',
          null,
          fhirJson(),
        );
        return { status: answer.status, text: await answer.text() };
      };
    },
  };
};

const fhirJson = (): Headers => {
  return new Headers({ accept: 'application/fhir+json' });
};

const discover = async (base: string, registration: Registration): Promise<openid.Configuration> => {
  const server = new URL(base);
  const loopback = server.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(server.hostname);
  return openid.discovery(
    server,
    registration.clientId,
    undefined,
    openid.ClientSecretBasic(registration.clientSecret),
    { algorithm: 'oauth2', execute: loopback ? [openid.allowInsecureRequests] : [] },
  );
};

const tokensOf = (answer: openid.TokenEndpointResponse, nowMs: number): Tokens => {
  const patient = answer['patient'];
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token,
    patientId: typeof patient === 'string' ? patient : undefined,
    // Not `expiresIn()`, which uses the system's clock.
    expiresAtMs: nowMs + (answer.expires_in ?? 60) * 1000,
  };
};
