import { generateKeyPairSync } from 'node:crypto';
import { errors, Provider } from 'oidc-provider';
import type { ClientMetadata, Configuration, JWK, KoaContextWithOIDC } from 'oidc-provider';
import { createMemoryAdapter } from './adapter.ts';
import type { PayerOptions } from './options.ts';
import { messagePage, pageHeaders, renderPage } from './pages/layout.ts';
import type { Brand } from './pages/layout.ts';
import type { Preset } from './presets.ts';

/** The app's name on this payer's pages. */
export const gatewayName = 'Payer-to-Payer Gateway';

const day = 24 * 60 * 60;

export interface ProviderSetup {
  readonly options: PayerOptions;
  readonly preset: Preset;
  readonly brand: Brand;
  /** Also the issuer. It has no trailing slash. */
  readonly origin: string;
  readonly fhirBaseUrl: string;
  readonly isMember: (patientId: string) => boolean;
}

/** The payer's OAuth server, with the gateway as its only client. An account's id is its member's patient id. */
export const createProvider = (setup: ProviderSetup): Provider => {
  const { preset, origin } = setup;
  const provider = new Provider(origin, configuration(setup));
  const sessionCookie = provider.cookieName('session');

  provider.use(async (ctx, next) => {
    ctx.req.headers.cookie = withoutCookie(ctx.req.headers.cookie, sessionCookie);
    await next();
    keepNoSession(ctx, sessionCookie);
    if (!preset.sendsIss) removeIss(ctx);
    if (preset.namesPatient && ctx.path === preset.paths.token) namePatient(ctx as KoaContextWithOIDC);
  });
  provider.on('server_error', (_ctx, error) => console.error(`${setup.brand.name}: ${error.stack ?? error.message}`));
  return provider;
};

const configuration = (setup: ProviderSetup): Configuration => {
  const { options, preset, brand, fhirBaseUrl } = setup;
  const client = clientMetadata(options);
  const cookiePrefix = brand.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return {
    adapter: createMemoryAdapter(client, options.now ?? Date.now),
    clientAuthMethods: [client.token_endpoint_auth_method ?? 'none'],
    // SMART App Launch 2.2 names these two for asymmetric client authentication.
    enabledJWA: { clientAuthSigningAlgValues: ['ES384', 'RS384'], idTokenSigningAlgValues: ['ES384'] },
    jwks: { keys: [signingKey()] },
    scopes: preset.scopes,
    routes: {
      authorization: preset.paths.authorize,
      token: preset.paths.token,
      jwks: preset.paths.jwks,
      revocation: preset.paths.revocation,
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      revocation: {
        enabled: preset.paths.revocation !== undefined,
        allowedPolicy: (_ctx, caller, token) => caller.clientId === token.clientId,
      },
    },
    responseTypes: ['code'],
    pkce: { required: () => preset.pkceRequired },
    extraParams: preset.audRequired ? { aud: (_ctx, value) => checkAudAndScope(_ctx, value, fhirBaseUrl) } : [],
    allowOmittingSingleRegisteredRedirectUri: !preset.redirectUriAtToken,
    issueRefreshToken: (_ctx, _client, code) => preset.alwaysRefreshable || code.scopes.has('offline_access'),
    rotateRefreshToken: true,
    expiresWithSession: () => false,
    ttl: {
      AccessToken: options.accessTokenSeconds ?? preset.accessTokenSeconds,
      AuthorizationCode: preset.codeSeconds,
      Grant: 90 * day,
      IdToken: 300,
      Interaction: 30 * 60,
      RefreshToken: 90 * day,
      Session: 30 * 60,
    },
    cookies: {
      names: {
        session: `${cookiePrefix}-session`,
        interaction: `${cookiePrefix}-sign-in`,
        resume: `${cookiePrefix}-resume`,
      },
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    clientBasedCORS: () => false,
    findAccount: (_ctx, id) => (setup.isMember(id) ? { accountId: id, claims: async () => ({ sub: id }) } : undefined),
    renderError: (ctx, out, error) => {
      const ended = error instanceof errors.SessionNotFound;
      const page = ended ? endedPage(ctx.status) : refusedPage(out.error_description ?? out.error, ctx.status);
      ctx.set(pageHeaders(page));
      ctx.body = renderPage(brand, page);
    },
  };
};

/** For a sign-in that was finished, took too long, or was started in another browser. */
export const endedPage = (status = 400): ReturnType<typeof messagePage> => {
  return messagePage(
    'This sign-in has ended',
    [
      'It was already finished, took longer than half an hour, or was started in another browser.',
      'This page shared nothing. Go back to the app that you came from and start again.',
    ],
    status,
  );
};

const refusedPage = (reason: string, status: number): ReturnType<typeof messagePage> => {
  return messagePage(
    'We cannot continue with this request',
    [
      'The app that sent you here asked for something that we cannot do. You did nothing wrong, and nothing was shared.',
      `For the developers of the app: ${reason}.`,
    ],
    status,
  );
};

const clientMetadata = (options: PayerOptions): ClientMetadata => {
  const common = {
    client_id: options.clientId,
    client_name: gatewayName,
    redirect_uris: [options.gatewayRedirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code' as const],
    // The library accepts an http redirect URI, as the gateway on localhost has, only from native clients.
    application_type: options.gatewayRedirectUri.startsWith('https:') ? ('web' as const) : ('native' as const),
    id_token_signed_response_alg: 'ES384' as const,
  };
  if ('secret' in options.client) {
    return { ...common, client_secret: options.client.secret, token_endpoint_auth_method: 'client_secret_post' };
  }
  return {
    ...common,
    jwks: { keys: options.client.jwks.map((key) => ({ ...key })) },
    token_endpoint_auth_method: 'private_key_jwt',
  };
};

const signingKey = (): JWK => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  return { ...privateKey.export({ format: 'jwk' }), kid: 'payer-1', alg: 'ES384', use: 'sig' };
};

const checkAudAndScope = (ctx: KoaContextWithOIDC, aud: string | undefined, fhirBaseUrl: string): void => {
  if (aud?.replace(/\/$/, '') !== fhirBaseUrl) throw new errors.InvalidRequest(`aud must be ${fhirBaseUrl}`);
  if (ctx.oidc.requestParamOIDCScopes.size === 0) throw new errors.InvalidScope('no known scope was requested', '');
};

/**
 * Every request signs in again. A session that outlives a sign-in would collide with a second tab or another member in
 * the same browser, so the session cookie is neither read nor set.
 */
const keepNoSession = (ctx: { readonly res: KoaContextWithOIDC['res'] }, name: string): void => {
  const cookies = ctx.res.getHeader('set-cookie');
  if (!Array.isArray(cookies)) return;
  const kept = cookies.filter((cookie) => !cookie.startsWith(`${name}=`));
  if (kept.length > 0) ctx.res.setHeader('set-cookie', kept);
  else ctx.res.removeHeader('set-cookie');
};

const withoutCookie = (header: string | undefined, name: string): string | undefined => {
  return header
    ?.split(';')
    .filter((cookie) => !cookie.trim().startsWith(`${name}=`))
    .join(';');
};

const removeIss = (ctx: Pick<KoaContextWithOIDC, 'response' | 'set'>): void => {
  const location = URL.parse(ctx.response.get('location'));
  if (!location?.searchParams.has('iss')) return;
  location.searchParams.delete('iss');
  ctx.set('location', location.href);
};

/** SMART App Launch 2.2 §7.1.5: the context that `launch/patient` requests. */
const namePatient = (ctx: KoaContextWithOIDC): void => {
  const token = ctx.oidc?.entities.AccessToken;
  if (ctx.status === 200 && token?.scopes.has('launch/patient')) {
    ctx.body = { ...(ctx.body as object), patient: token.accountId };
  }
};
