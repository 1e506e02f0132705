/** A gateway whose partners present their members' identity tokens, an identity provider, and payers with Blue Button's checks. */
import { CompactSign, exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTHeaderParameters } from 'jose';
import { smart } from '../../config/presets.ts';
import { keyReader, ofIdentityProviders } from '../../functions/shared/payer/key-reader.ts';
import { registryOf } from '../../functions/shared/registry/registry.ts';
import type { IdentitySignIn, Partner, RegistryData } from '../../functions/shared/registry/types.ts';
import { tokenHandler } from '../../functions/token/handler.ts';
import { apiEvent, call, startMs, testDeps } from './gateway.ts';
import { es384Jwk, localRegistry } from './login.ts';
import type { PayerAnswer } from './payer/answers.ts';
import { blueButton, type KnownMember } from './payer/blue-button.ts';

export const origin = 'http://localhost:3000';
export const issuer = 'https://api.idmelabs.com/oidc';
const jwksUri = 'https://api.idmelabs.com/oidc/.well-known/jwks';
export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const payerScopes = ['launch/patient', 'patient/Patient.read', 'patient/Coverage.read'];

/** Names that nothing but the token to the payer may have. */
export const planted = {
  given: 'Wilhelmïna',
  family: 'Quackenbosch',
  birthdate: '1947-11-23',
  street: '4711 Quillfeather Lane',
  ssn: '8642',
  mbi: '1EG4TE5MK73',
};
/** Two who cannot be told apart by name, birth date and street. */
const twin = { given: 'Ada', family: 'Doppler', birthdate: '1950-01-01', street: '1 Same Street' };
const members: readonly KnownMember[] = [
  { id: 'bb-1', ...planted },
  { id: 'bb-2', ...twin },
  { id: 'bb-3', ...twin },
];

const keyPairOf = async (alg: string, kid: string) => {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, kty: alg.startsWith('ES') ? 'EC' : 'RSA' } };
};
export const providerKey = await keyPairOf('RS256', 'csp-1');
export const nextProviderKey = await keyPairOf('RS256', 'csp-2');
const partnerKey = await keyPairOf('ES384', 'partner-1');
const gatewayKey = es384Jwk('gateway-1');

const signIn: IdentitySignIn = {
  issuers: [issuer],
  assertionAlgorithm: 'ES384',
  scopes: payerScopes,
  noMatch: [{ status: 401, members: { status_code: 401 } }],
};

const payerOf = (id: string, change: Partial<IdentitySignIn>) => ({
  ...smart({
    id,
    displayName: id,
    clientId: 'gateway',
    fhirBaseUrl: `https://${id}.example.org/v3/fhir`,
    authorizationEndpoint: `https://${id}.example.org/v3/o/authorize/`,
    tokenEndpoint: `https://${id}.example.org/v3/o/token/`,
    clientAuthentication: 'client_secret_basic',
    publicKeys: [gatewayKey.publicJwk],
    scopes: payerScopes,
  }),
  // Blue Button has one that would end the grants of all apps.
  ...(id === 'green' ? { revocationEndpoint: `https://${id}.example.org/v3/o/revoke/` } : {}),
  identitySignIn: { ...signIn, ...change },
});

const partnerOf = (clientId: string, audience: string): Partner => ({
  ...localRegistry().partners[0]!,
  clientId,
  clientAuthentication: ['private_key_jwt'],
  secretHashes: [],
  jwks: [partnerKey.jwk],
  consent: 'partner',
  scopes: ['launch/patient', 'patient/*.rs', 'offline_access'],
  payers: ['blue', 'green', 'northwind'],
  identityAudiences: [{ issuer, audiences: [audience] }],
});

type Change = Readonly<Record<string, unknown>>;
type Header = Partial<JWTHeaderParameters> & Record<string, unknown>;

let tokens = 0;

/** An identity token of the planted member, changed. Undefined members are left out. */
export const identityToken = (
  change: Change = {},
  {
    header = {},
    key = providerKey.privateKey,
    atMs = startMs,
  }: { header?: Header; key?: CryptoKey | Uint8Array; atMs?: number } = {},
): Promise<string> => {
  tokens += 1;
  const now = Math.floor(atMs / 1000);
  const claims = {
    iss: issuer,
    sub: 'subject-of-wilhelmina',
    aud: 'portal-at-csp',
    jti: `identity-${tokens}`,
    exp: now + 600,
    iat: now,
    auth_time: now - 5,
    identity_assurance_level: 2,
    given_name: planted.given,
    family_name: planted.family,
    birthdate: planted.birthdate,
    address: { street_address: planted.street, locality: 'Quahog', region: 'RI', postal_code: '02907' },
    ssn_itin_short: planted.ssn,
    ...change,
  };
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'csp-1', typ: 'JWT', ...header }).sign(key);
};

/** Stands for a value that is nested so deep that JSON cannot be written from it. */
export const nested = 'nested 5,000 deep';
const nestedJson = `${'{"x":'.repeat(5000)}1${'}'.repeat(5000)}`;

/** A client assertion of the partner with these members of cms_smart. */
export const assertionOf = (
  cmsSmart: unknown,
  claims: Change = {},
  atMs = startMs,
  write: (claims: Change) => string = JSON.stringify,
): Promise<string> => {
  tokens += 1;
  const clientId = (claims['sub'] as string | undefined) ?? 'portal';
  const json = write({
    iss: clientId,
    sub: clientId,
    aud: `${origin}/oauth2/token`,
    jti: `assertion-${tokens}`,
    exp: Math.floor(atMs / 1000) + 200,
    extensions: { cms_smart: cmsSmart },
    ...claims,
  }).replace(JSON.stringify(nested), nestedJson);
  return new CompactSign(Buffer.from(json))
    .setProtectedHeader({ alg: 'ES384', kid: 'partner-1', typ: 'JWT' })
    .sign(partnerKey.privateKey);
};

let approvals = 0;

export const cmsSmartOf = (idToken: string, change: Change = {}, atMs = startMs) => ({
  version: '1',
  purpose_of_use: 'PATRQT',
  id_token: idToken,
  consent_attestation: {
    user_action: 'approved',
    user_action_timestamp: new Date(atMs - 30_000 - (approvals += 1)).toISOString(),
  },
  ...change,
});

export const identityWorld = (changeSignIn: Partial<IdentitySignIn> = {}) => {
  const base = localRegistry();
  const data: RegistryData = {
    ...base,
    payers: [...base.payers, payerOf('blue', changeSignIn), payerOf('green', changeSignIn)],
    partners: [...base.partners, partnerOf('portal', 'portal-at-csp'), partnerOf('rival', 'rival-at-csp')],
  };
  const test = testDeps({ registry: data });
  const clientSecret = { client_secret: 'clientsecret', private_key_jwk: gatewayKey.privateJwk };
  Object.assign(test.secrets, { blue: clientSecret, green: clientSecret });
  const provider = { keys: [providerKey.jwk], reads: 0, isDown: false };
  const serverOf = (id: string) =>
    blueButton({
      clientId: 'gateway',
      tokenEndpoint: `https://${id}.example.org/v3/o/token/`,
      clientKeys: [gatewayKey.publicJwk],
      providerKeys: () => ({ [issuer]: provider.keys }),
      members,
      scopes: payerScopes,
      now: test.deps.clock.now,
    });
  const servers = { blue: serverOf('blue'), green: serverOf('green') };
  /** What the payer was sent, and what it answers in place of its usual answer. */
  const asked: { payer: string; form: URLSearchParams }[] = [];
  /** The tokens that the gateway revoked at the payer. */
  const revoked: (string | null)[] = [];
  const script: { answer?: (usual: () => Promise<PayerAnswer>) => Promise<PayerAnswer> } = {};
  /** The payer's access token that counts now. A refresh takes the client secret, and no assertion. */
  const bearer = { current: 'access-bb-1' };
  const refresh = (form: URLSearchParams, headers: Headers): Response => {
    const isClient = headers.get('authorization') === `Basic ${btoa('gateway:clientsecret')}`;
    if (!isClient || form.has('client_assertion')) return Response.json({ error: 'invalid_client' }, { status: 401 });
    bearer.current = 'access-bb-1-refreshed';
    return Response.json({ access_token: bearer.current, refresh_token: 'refresh-bb-1-next', expires_in: 3600 });
  };
  test.payer.http = async (input, init) => {
    const url = String(input);
    if (url === jwksUri) {
      provider.reads += 1;
      if (provider.isDown) throw Object.assign(new TypeError('fetch failed'), { code: 'ECONNREFUSED' });
      return Response.json({ keys: provider.keys });
    }
    if (url.startsWith('https://blue.example.org/v3/fhir/')) {
      const isFresh = new Headers(init?.headers).get('authorization') === `Bearer ${bearer.current}`;
      return isFresh ? Response.json({ resourceType: 'Patient', id: 'bb-1' }) : new Response('', { status: 401 });
    }
    if (url === 'https://green.example.org/v3/o/revoke/') {
      revoked.push(new URLSearchParams(String(init?.body)).get('token'));
      return new Response('');
    }
    const [, id = ''] = /^https:\/\/(\w+)\.example\.org\/v3\/o\/token\/$/.exec(url) ?? [];
    if (id !== 'blue' && id !== 'green') throw new Error(`nobody is at ${url}`);
    const form = new URLSearchParams(String(init?.body));
    asked.push({ payer: id, form });
    if (form.get('grant_type') === 'refresh_token') return refresh(form, new Headers(init?.headers));
    const usual = () => servers[id](form);
    const { status, body = '', headers = {} } = await (script.answer?.(usual) ?? usual());
    return new Response(body, { status, headers });
  };
  const deps = {
    ...test.deps,
    registry: registryOf(data, test.stops, test.deps.clock.now),
    identity: {
      providers: [{ issuer, jwksUri, algorithms: ['RS256' as const] }],
      longestConsentAge: 600,
      readKeys: keyReader(test.deps, ofIdentityProviders),
      limits: { client: test.dynamo.client, name: 'Limits' },
      indexMember: test.deps.indexMember,
      sleep: test.deps.sleep,
    },
  };
  const handler = tokenHandler(deps);
  const post = (form: Record<string, string> | string) =>
    call(handler, apiEvent('/oauth2/token', { method: 'POST', form }));
  const formFor = (assertion: string, change: Record<string, string> = {}) => ({
    grant_type: 'client_credentials',
    client_assertion_type: assertionType,
    client_assertion: assertion,
    resource: `${origin}/r4/blue`,
    scope: 'launch/patient patient/*.rs offline_access',
    ...change,
  });
  /** One call with this identity token. */
  const identify = async (
    idToken?: string | Promise<string>,
    {
      cmsSmart = {},
      claims = {},
      form = {},
    }: { cmsSmart?: Change; claims?: Change; form?: Record<string, string> } = {},
  ) => {
    const atMs = test.deps.clock.now();
    const token = (await idToken) ?? (await identityToken({}, { atMs }));
    return post(formFor(await assertionOf(cmsSmartOf(token, cmsSmart, atMs), claims, atMs), form));
  };
  return {
    ...test,
    deps,
    bearer,
    sign: (claims: Change = {}) => assertionOf({}, claims, test.deps.clock.now()),
    handler,
    data,
    provider,
    asked,
    revoked,
    script,
    post,
    formFor,
    identify,
    grants: () => [...test.dynamo.items('Grants').values()].filter((item) => item['payer'] !== undefined),
    /** Everything that the gateway has written down or answered elsewhere. */
    written: () =>
      JSON.stringify([
        test.lines,
        ...['Grants', 'Limits', 'AuditEvents'].map((name) => Array.from(test.dynamo.items(name).values())),
      ]),
  };
};
