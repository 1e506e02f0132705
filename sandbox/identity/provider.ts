import { createPrivateKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { decodeJwt, SignJWT } from 'jose';
import { Provider, type ClientMetadata, type Configuration, type JWK } from 'oidc-provider';
import { createAdapter } from '../payer/adapter.ts';
import { memberKeys } from '../payer/data/member-list.ts';
import { keepNoSession } from '../payer/no-session.ts';
import { messagePage, pageHeaders, renderPage, type Brand } from '../payer/pages/layout.ts';
import { personNamed } from './people.ts';

/** An app that members may identify themselves to. */
export interface IdentityClient {
  readonly clientId: string;
  readonly name: string;
  /** On loopback the port may differ. */
  readonly redirectUris: readonly string[];
}

export interface ProviderSetup {
  readonly origin: string;
  readonly brand: Brand;
  readonly clients: readonly IdentityClient[];
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const tokenPath = '/token';

/** The identity provider's OpenID Connect server. An account's id is a member's word, such as `clinical`. */
export const createProvider = (setup: ProviderSetup): Provider => {
  const key = signingKey();
  const provider = new Provider(setup.origin, configuration(setup, key));
  keepNoSession(provider);
  provider.use(async (ctx, next) => {
    await next();
    const answer = ctx.body as { readonly id_token?: string } | undefined;
    if (ctx.path !== tokenPath || ctx.status !== 200 || answer?.id_token === undefined) return;
    ctx.body = { ...answer, id_token: await completed(answer.id_token, key) };
  });
  provider.on('server_error', (_ctx, error) => console.error(`${setup.brand.name}: ${error.stack ?? error.message}`));
  return provider;
};

/** What id tokens of CLEAR and ID.me have beside the library's: `typ` in the header, and a `jti`. */
const completed = (idToken: string, key: JWK): Promise<string> =>
  new SignJWT({ ...decodeJwt(idToken), jti: randomUUID() })
    .setProtectedHeader({ alg: 'RS256', kid: String(key.kid), typ: 'JWT' })
    .sign(createPrivateKey({ key: { ...key }, format: 'jwk' }));

const signingKey = (): JWK => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: `identity-${randomUUID()}`, alg: 'RS256', use: 'sig' };
};

const configuration = ({ clients, now, brand }: ProviderSetup, key: JWK): Configuration => ({
  adapter: createAdapter(clients.map(metadataOf), now),
  clientAuthMethods: ['none'],
  enabledJWA: { idTokenSigningAlgValues: ['RS256'] },
  jwks: { keys: [key] },
  scopes: ['openid'],
  claims: { openid: Object.keys(personNamed('clinical')) },
  // Everything is in the id token, as with CLEAR and ID.me.
  conformIdTokenClaims: false,
  routes: { authorization: '/authorize', token: tokenPath, jwks: '/jwks' },
  features: {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    dPoP: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
  },
  responseTypes: ['code'],
  pkce: { required: () => true },
  ttl: { AccessToken: 300, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 1800, Session: 1800 },
  cookies: { names: { session: 'identity-session', interaction: 'identity-proof', resume: 'identity-resume' } },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_ctx, id) => {
    const member = memberKeys.find((known) => known === id);
    return member && { accountId: id, claims: async () => ({ ...personNamed(member) }) };
  },
  renderError: (ctx, out) => {
    const page = messagePage(
      'We cannot continue with this request',
      [`For the developers of the app: ${out.error_description ?? out.error}.`, 'Nothing was shared.'],
      ctx.status,
    );
    ctx.set(pageHeaders(page));
    ctx.body = renderPage(brand, page);
  },
});

const metadataOf = ({ clientId, name, redirectUris }: IdentityClient): ClientMetadata => ({
  client_id: clientId,
  client_name: name,
  redirect_uris: [...redirectUris],
  grant_types: ['authorization_code'],
  response_types: ['code'],
  // The library accepts an http redirect URI only from native clients.
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  id_token_signed_response_alg: 'RS256',
  require_auth_time: true,
});
