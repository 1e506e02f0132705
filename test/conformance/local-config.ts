import { createHash, generateKeyPairSync } from 'node:crypto';
import { checkStage } from '../../config/checks/check-stage.ts';
import { oneUpDemo, smart } from '../../config/presets.ts';
import type { StageConfig } from '../../config/stage.ts';
import type { PublicJwk } from '../../functions/shared/registry/types.ts';
import { formerPlanNpi, newPlanNpi } from '../../sandbox/demo/new-plan.ts';

/** A partner's secret, which must be in no log and no table. */
const secretOf = (clientId: string): string => `${clientId}-secret-canary+with%40signs`;

const keyPair = (kid: string): { readonly privateJwk: Record<string, unknown>; readonly publicJwk: PublicJwk } => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  return {
    privateJwk: { ...privateKey.export({ format: 'jwk' }), kid, alg: 'ES384' },
    publicJwk: { ...publicKey.export({ format: 'jwk' }), kty: 'EC', kid, alg: 'ES384' },
  };
};

/** The suite's keys: the gateway's at a payer, and a partner's. */
export const gatewayKey = keyPair('gateway-1');
export const partnerKey = keyPair('partner-1');

/** The keys of plans that ask former plans for records, and of the gateway where it asks for them. */
export const planKeys = {
  'new-plan': keyPair('new-plan-1'),
  'third-plan': keyPair('third-plan-1'),
  'flooding-plan': keyPair('flooding-plan-1'),
} as const;
export type PlanId = keyof typeof planKeys;
const exchangeKey = keyPair('exchange-1');

/** An NPI of a plan for which nobody here may ask; its check digit is right (45 CFR 162.406). */
const thirdPlanNpi = { ...newPlanNpi, value: '1111111112' };
const floodingPlanNpi = { ...newPlanNpi, value: '2222222228' };
const npis: Readonly<Record<string, typeof newPlanNpi>> = { 'new-plan': newPlanNpi, 'flooding-plan': floodingPlanNpi };

/** How the former plan knows the gateway. */
export const atFormerPlan = {
  clientId: 'gateway-as-new-plan',
  clientKeys: [exchangeKey.publicJwk],
  newPlans: [newPlanNpi, thirdPlanNpi],
};

/** Another spelling of a payer's base, as it appears in that payer's links. */
export const printedBase = 'https://internal.clear-health.example.org/r4';

const portalUri = 'https://portal.example.org/callback';
const wide = ['launch/patient', 'patient/*.rs', 'offline_access'];

const confidential = {
  name: 'Portal',
  homePage: 'https://portal.example.org/',
  redirectUris: [portalUri, 'https://portal.example.org/callback?tenant=1'],
  clientAuthentication: ['client_secret_basic', 'client_secret_post'],
  scopes: wide,
  consent: 'partner',
  rate: { perSecond: 1000, burst: 1000 },
};

/** What a partner with a secret is known by. */
const known = (clientId: string) => ({
  clientId,
  secretHashes: [createHash('sha256').update(secretOf(clientId)).digest('base64url')],
});

const webOrigin = 'https://app.example.org';
const publicClient = {
  name: 'App',
  homePage: `${webOrigin}/`,
  redirectUris: [`${webOrigin}/callback`],
  clientAuthentication: ['none'],
  scopes: wide,
  webOrigins: [webOrigin],
  consent: 'partner',
  rate: { perSecond: 1000, burst: 1000 },
};

/** Plans that ask: no browser is sent anywhere, and no member signs in. */
const plansFor = (payers: readonly string[]): object[] =>
  Object.entries(planKeys).map(([clientId, { publicJwk }]) => ({
    clientId,
    name: clientId,
    homePage: 'https://plan.example.org/',
    redirectUris: [],
    scopes: [],
    payers,
    clientAuthentication: ['private_key_jwt'],
    jwks: [publicJwk],
    exchange: { identifiers: [npis[clientId] ?? thirdPlanNpi] },
    rate: clientId === 'flooding-plan' ? { perSecond: 0.1, burst: 3 } : { perSecond: 1000, burst: 1000 },
  }));

const payersAt = (payers: string, { wholeRecord, formerPlan = payers }: ConfigChanges): object[] => {
  const endpoints = (id: string) => ({
    id,
    displayName: id,
    clientId: `gateway-at-${id}`,
    fhirBaseUrl: `${payers}/${id}/r4`,
    authorizationEndpoint: `${payers}/${id}/authorize`,
    tokenEndpoint: `${payers}/${id}/token`,
    revocationEndpoint: `${payers}/${id}/revoke`,
  });
  const clear = (id: string) => smart({ ...endpoints(id), issuer: `${payers}/${id}` });
  const plain = oneUpDemo({
    id: 'plain-health',
    displayName: 'Plain Health',
    clientId: 'gateway-at-plain-health',
    authOrigin: payers,
    apiOrigin: payers,
  });
  return [
    smart({
      ...endpoints('clear-health'),
      issuer: `${payers}/clear-health`,
      fhirBaseUrlAliases: [printedBase],
      ...(wholeRecord === undefined ? {} : { wholeRecord }),
    }),
    { ...plain, ...endpoints('plain-health') },
    smart({ ...endpoints('keyed-health'), issuer: `${payers}/keyed-health`, publicKeys: [gatewayKey.publicJwk] }),
    {
      ...clear('former-health'),
      exchange: {
        clientId: atFormerPlan.clientId,
        assertionAlgorithm: 'ES384',
        publicKeys: atFormerPlan.clientKeys,
        scopes: ['http://hl7.org/fhir/us/davinci-pdex/OperationDefinition/BulkMemberMatch', 'system/Group.rs'],
        identifiers: [formerPlanNpi],
        tokenEndpoint: `${formerPlan}/oauth2/token`,
        fhirBaseUrl: `${formerPlan}/r4`,
      },
    },
    clear('unready-health'),
    clear('rotating-health'),
    // From this one we request less than partners are registered for.
    {
      ...clear('slow-health'),
      scopes: ['launch/patient', 'patient/Patient.rs', 'patient/Observation.r', 'offline_access'],
    },
  ];
};

/** A test's changes to the configuration that the suite uses. */
export interface ConfigChanges {
  /** Stage `local` posts events to this machine. @default conformance */
  readonly stage?: 'conformance' | 'local';
  /** The webhook URL of the partner `one-payer`. @default none */
  readonly webhook?: string;
  /** The `wholeRecord` settings of `clear-health`. @default none */
  readonly wholeRecord?: object;
  /** Where the payer `former-health` answers other plans. @default nowhere */
  readonly formerPlan?: string;
  /** Sets every optional field of the stage that a partner may notice. @default none is set */
  readonly everyField?: boolean;
}

/** What a stage may have and need not. */
const everyField = (payers: string) => ({
  errorsUrl: 'https://developers.example.org/partners/errors',
  operator: {
    name: 'Example Plan',
    website: 'https://plan.example.org/',
    privacyPolicy: 'https://plan.example.org/privacy',
    support: 'https://plan.example.org/help',
  },
  indexPage: { testMembers: [], links: [] },
  identityProviders: [{ issuer: `${payers}/identity`, jwksUri: `${payers}/identity/jwks`, algorithms: ['RS256'] }],
  longestConsentAge: 300,
});

/** A payer of each kind, and partners with different rights. */
export const localConfig = (
  origin: string,
  payers: string,
  { stage = 'conformance', wholeRecord, formerPlan, everyField: isWhole = false, ...webhook }: ConfigChanges = {},
): StageConfig => {
  const every = payersAt(payers, { wholeRecord, formerPlan });
  const all = { payers: every.map((payer) => (payer as { id: string }).id) };
  return checkStage(
    {
      stage,
      production: false,
      removalPolicy: 'destroy',
      waf: 'none',
      apiGatewayLogRole: false,
      origin,
      exchanges: {},
      ...(isWhole ? everyField(payers) : {}),
      payers: every,
      partners: [
        { ...confidential, ...all, ...known('portal') },
        { ...confidential, ...all, ...known('other-portal'), name: 'Other Portal' },
        { ...confidential, ...all, ...known('old-portal'), name: 'Old Portal', pkceOptional: true },
        { ...confidential, payers: ['clear-health'], ...known('one-payer'), name: 'One Payer', ...webhook },
        {
          ...confidential,
          ...all,
          ...known('narrow'),
          name: 'Narrow',
          scopes: ['patient/Patient.rs', 'patient/Observation.r', 'offline_access'],
        },
        {
          ...confidential,
          ...all,
          ...known('flooding'),
          name: 'Flooding',
          scopes: ['launch/patient', 'patient/*.rs'],
          rate: { perSecond: 0.1, burst: 3 },
        },
        {
          ...confidential,
          ...all,
          clientId: 'keyed',
          name: 'Keyed',
          clientAuthentication: ['private_key_jwt'],
          secretHashes: [],
          jwks: [partnerKey.publicJwk],
        },
        { ...publicClient, ...all, clientId: 'app' },
        {
          ...publicClient,
          ...all,
          clientId: 'native',
          name: 'Native',
          redirectUris: ['http://127.0.0.1/callback', 'http://[::1]/callback', 'org.example.native:/callback'],
        },
        { ...publicClient, ...all, clientId: 'asking', name: 'Asking & Sons', consent: 'gateway' },
        ...plansFor(['former-health']),
      ],
    },
    'test/conformance/local-config.ts',
  );
};

/** The payers' secrets at the start; one was never filled in. */
export const localSecrets: Readonly<Record<string, object>> = {
  'clear-health': { client_secret: 'clear-health-secret-canary' },
  'plain-health': { client_secret: 'plain-health-secret-canary' },
  'keyed-health': { private_key_jwk: gatewayKey.privateJwk },
  'rotating-health': { client_secret: 'rotating-health-old-secret-canary' },
  'former-health': {
    client_secret: 'former-health-secret-canary',
    exchange: { private_key_jwk: exchangeKey.privateJwk },
  },
  'slow-health': { client_secret: 'slow-health-secret-canary' },
};

/** The secrets by which the payers know the gateway, including the one that the gateway was never given. */
export const secretsAtPayers: Readonly<Record<string, string>> = {
  'clear-health': 'clear-health-secret-canary',
  'plain-health': 'plain-health-secret-canary',
  'rotating-health': 'rotating-health-old-secret-canary',
  'former-health': 'former-health-secret-canary',
  'slow-health': 'slow-health-secret-canary',
  'unready-health': 'unready-health-secret-canary',
};

const partner = (clientId: string) => ({ clientId, secret: secretOf(clientId), redirectUri: portalUri });

/** The partners, with their credentials. */
export const localApps = {
  portal: partner('portal'),
  otherPortal: partner('other-portal'),
  oldPortal: partner('old-portal'),
  onePayer: partner('one-payer'),
  narrow: partner('narrow'),
  flooding: partner('flooding'),
  keyed: { clientId: 'keyed', redirectUri: portalUri },
  app: { clientId: 'app', redirectUri: `${webOrigin}/callback`, webOrigin },
  native: { clientId: 'native', redirectUri: 'http://127.0.0.1:49152/callback' },
  asking: { clientId: 'asking', redirectUri: `${webOrigin}/callback` },
} as const;

/** How long the FHIR function may take for the payer `slow-health`, instead of 15 minutes. */
export const shortTimeMs = 6000;

/** Whether an API's event is about that payer. */
export const isSlow = (event: string): boolean => {
  const { pathParameters } = JSON.parse(event) as { pathParameters: { payer?: string } | null };
  return pathParameters?.payer === 'slow-health';
};
