import * as openid from 'openid-client';

/** What a sign-in must remember until the redirect returns. */
export interface SignIn {
  /** Undefined if the member chooses the plan on the gateway's page: then the redirect names it. */
  readonly payerId: string | undefined;
  readonly codeVerifier: string;
}

/** The tokens that the gateway issued for one member and one payer. */
export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  readonly patientId: string | undefined;
  /** The gateway's name for this connection, which its events use. */
  readonly grantId: string | undefined;
  readonly expiresAtMs: number;
}

/** Where to send the browser, and what to remember. */
interface BegunSignIn {
  readonly url: string;
  readonly state: string;
  readonly signIn: SignIn;
}

/** The gateway as an OAuth client sees it: one authorization server per payer. */
export interface GatewayClient {
  readonly base: (payerId: string) => string;
  readonly begin: (payerId: string) => Promise<BegunSignIn>;
  /** Begins a sign-in on the gateway's page where a member searches for the old plan. */
  readonly beginSearch: () => Promise<BegunSignIn>;
  readonly finish: (payerId: string, signIn: SignIn, state: string, callback: URL) => Promise<Tokens>;
  readonly renew: (payerId: string, tokens: Tokens) => Promise<Tokens>;
  readonly revoke: (payerId: string, tokens: Tokens) => Promise<void>;
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
      const { parameters, ...begun } = await newSignIn(registration, payerId);
      const url = openid.buildAuthorizationUrl(configuration, { ...parameters, aud: base(payerId) });
      return { url: url.href, ...begun };
    },

    async beginSearch() {
      const { parameters, ...begun } = await newSignIn(registration, undefined);
      const query = new URLSearchParams({ response_type: 'code', client_id: registration.clientId, ...parameters });
      return { url: `${registration.gatewayOrigin}/connect?${query}`, ...begun };
    },

    async finish(payerId, signIn, state, callback) {
      const answer = await openid.authorizationCodeGrant(await configurationOf(payerId), callback, {
        expectedState: state,
        pkceCodeVerifier: signIn.codeVerifier,
      });
      return tokensOf(answer, nowMs());
    },

    async renew(payerId, tokens) {
      const answer = await openid.refreshTokenGrant(await configurationOf(payerId), tokens.refreshToken ?? '');
      const renewed = tokensOf(answer, nowMs());
      return {
        ...renewed,
        refreshToken: renewed.refreshToken ?? tokens.refreshToken,
        patientId: renewed.patientId ?? tokens.patientId,
        grantId: renewed.grantId ?? tokens.grantId,
      };
    },

    async revoke(payerId, tokens) {
      await openid.tokenRevocation(await configurationOf(payerId), tokens.refreshToken ?? tokens.accessToken);
    },
  };
};

/** What an authorize request sends, and what its redirect is checked against. */
const newSignIn = async ({ redirectUri }: Registration, payerId: string | undefined) => {
  const state = openid.randomState();
  const codeVerifier = openid.randomPKCECodeVerifier();
  const parameters = {
    redirect_uri: redirectUri,
    scope,
    state,
    code_challenge: await openid.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
  };
  return { parameters, state, signIn: { payerId, codeVerifier } };
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

/** The gateway's token answer, as the app keeps it. */
export const tokensOf = (answer: openid.TokenEndpointResponse, nowMs: number): Tokens => {
  const { patient, grant_id: grantId } = answer;
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token,
    patientId: typeof patient === 'string' ? patient : undefined,
    grantId: typeof grantId === 'string' ? grantId : undefined,
    // Not `expiresIn()`, which uses the system's clock.
    expiresAtMs: nowMs + (answer.expires_in ?? 60) * 1000,
  };
};
