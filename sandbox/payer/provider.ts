import { generateKeyPairSync } from 'node:crypto';
import { errors, Provider } from 'oidc-provider';
import type { ClientMetadata, Configuration, JWK, KoaContextWithOIDC } from 'oidc-provider';
import { createAdapter } from './adapter.ts';
import { keepNoSession } from './no-session.ts';
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
  keepNoSession(provider);

  provider.use(async (ctx, next) => {
    await next();
    if (!preset.sendsIss) removeIss(ctx);
    if (ctx.path !== preset.paths.token) return;
    nameInToken(ctx as KoaContextWithOIDC, setup);
    const { grantedScope: scope, tokenAnswer } = setup.options.insists ?? {};
    if (scope !== undefined && ctx.status === 200) ctx.body = { ...(ctx.body as object), scope };
    if (tokenAnswer === 'form') answerAsForm(ctx);
  });
  provider.on('server_error', (_ctx, error) => console.error(`${setup.brand.name}: ${error.stack ?? error.message}`));
  return provider;
};

const configuration = (setup: ProviderSetup): Configuration => {
  const { options, preset, brand } = setup;
  const { insists = {} } = options;
  const claim = insists.patient?.in === 'token' ? undefined : insists.patient?.member;
  const client = clientMetadata(options);
  const cookiePrefix = brand.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return {
    adapter: createAdapter([client], options.now ?? Date.now, options.rooms),
    clientAuthMethods: [client.token_endpoint_auth_method ?? 'none'],
    // SMART App Launch 2.2 names these two for asymmetric client authentication.
    enabledJWA: { clientAuthSigningAlgValues: ['ES384', 'RS384'], idTokenSigningAlgValues: ['ES384'] },
    jwks: { keys: [signingKey()] },
    scopes: claim === undefined ? preset.scopes : [...preset.scopes, 'openid'],
    claims: { openid: ['sub', ...(claim === undefined ? [] : [claim])] },
    // Otherwise an `id_token` has only `sub`.
    conformIdTokenClaims: insists.patient?.in !== 'id_token',
    routes: {
      authorization: preset.paths.authorize,
      token: preset.paths.token,
      jwks: preset.paths.jwks,
      revocation: preset.paths.revocation,
      userinfo: userinfoPath,
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: insists.patient?.in === 'userinfo' },
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
    extraParams:
      preset.audRequired || insists.aud !== undefined
        ? { aud: (_ctx, value) => checkAudAndScope(_ctx, value, setup) }
        : [],
    allowOmittingSingleRegisteredRedirectUri: !preset.redirectUriAtToken,
    issueRefreshToken: (_ctx, _client, code) => preset.alwaysRefreshable || code.scopes.has('offline_access'),
    rotateRefreshToken: true,
    expiresWithSession: () => false,
    ttl: {
      AccessToken: options.accessTokenSeconds ?? preset.accessTokenSeconds,
      AuthorizationCode: preset.codeSeconds,
      Grant: insists.consentSeconds ?? 90 * day,
      IdToken: 300,
      Interaction: 30 * 60,
      RefreshToken: insists.consentSeconds ?? 90 * day,
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
    findAccount: (_ctx, id) =>
      setup.isMember(id) ? { accountId: id, claims: async () => claimsOf(setup, id) } : undefined,
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
      'This page shared nothing. Go back to the app that you came from, and start again there.',
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
    redirect_uris: [options.gatewayRedirectUri, ...(options.furtherRedirectUris ?? [])],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code' as const],
    // The library accepts an http redirect URI, as the gateway on localhost has, only from native clients.
    application_type: options.gatewayRedirectUri.startsWith('https:') ? ('web' as const) : ('native' as const),
    id_token_signed_response_alg: 'ES384' as const,
  };
  if (options.client === 'public') return { ...common, token_endpoint_auth_method: 'none' };
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

const checkAudAndScope = (ctx: KoaContextWithOIDC, aud: string | undefined, setup: ProviderSetup): void => {
  const { aud: wanted, furtherBases = [] } = setup.options.insists ?? {};
  const taken =
    wanted === undefined ? [setup.fhirBaseUrl, ...furtherBases.map((path) => setup.origin + path)] : [wanted];
  if (wanted === 'none' ? aud !== undefined : !taken.includes(aud?.replace(/\/$/, '') ?? '')) {
    throw new errors.InvalidRequest(`aud must be ${taken.join(' or ')}`);
  }
  if (ctx.oidc.requestParamOIDCScopes.size === 0) throw new errors.InvalidScope('no known scope was requested', '');
};

const removeIss = (ctx: Pick<KoaContextWithOIDC, 'response' | 'set'>): void => {
  const location = URL.parse(ctx.response.get('location'));
  if (!location?.searchParams.has('iss')) return;
  location.searchParams.delete('iss');
  ctx.set('location', location.href);
};

/** The `userinfo` endpoint's path, where the payer has one. */
export const userinfoPath = '/oauth2/userinfo';

/** Writes a token answer as a form. */
const answerAsForm = (ctx: { body: unknown; type: string }): void => {
  ctx.body = new URLSearchParams(ctx.body as Record<string, string>).toString();
  ctx.type = 'application/x-www-form-urlencoded';
};

/** How a payer names a patient in a member. SMART's `fhirUser` is a URL. */
const nameOf = ({ fhirBaseUrl, options }: ProviderSetup, member: string, patientId: string): string => {
  const { as = member === 'fhirUser' ? 'url' : 'id' } = options.insists?.patient ?? {};
  return { id: patientId, url: `${fhirBaseUrl}/Patient/${patientId}`, urn: `urn:uuid:${patientId}` }[as];
};

/** Who signed in. Unless `sub` names the patient, it is the login's own name. */
const claimsOf = (setup: ProviderSetup, patientId: string): { sub: string } => {
  const { member } = setup.options.insists?.patient ?? {};
  return {
    sub: `login-of-${patientId}`,
    ...(member === undefined ? {} : { [member]: nameOf(setup, member, patientId) }),
  };
};

/** SMART App Launch 2.2 §7.1.5: the context that `launch/patient` requests, in the member that this payer uses. */
const nameInToken = (ctx: KoaContextWithOIDC, setup: ProviderSetup): void => {
  const { patient } = setup.options.insists ?? {};
  const token = ctx.oidc?.entities.AccessToken;
  const isNamed = patient === undefined ? setup.preset.namesPatient : patient.in === 'token';
  if (!isNamed || ctx.status !== 200 || !token?.scopes.has('launch/patient')) return;
  const member = patient?.member ?? 'patient';
  ctx.body = { ...(ctx.body as object), [member]: nameOf(setup, member, token.accountId) };
};
