/**
 * Presets by product: what is the same at every payer that runs it. Each has its sources and their dates. All are
 * published, not tried; a preset's inputs override what it sets.
 */
import type { IdentityProvider, Payer } from '../functions/shared/registry/types.ts';
import { smart } from './presets.ts';

type Smart = Parameters<typeof smart>[0];

/** What a preset of a product takes: a payer's names, whatever the product does not settle, and changes to the rest. */
type ProductInputs<Settled extends keyof Smart> = Omit<Smart, Settled> & Partial<Pick<Smart, Settled>>;

interface EpicInputs extends ProductInputs<'fhirBaseUrl' | 'authorizationEndpoint' | 'tokenEndpoint'> {
  /** Where Epic's interconnect is, such as `https://fhir.plan.example/interconnect-prd-fhir`. */
  readonly server: string;
  readonly publicKeys: NonNullable<Smart['publicKeys']>;
}

/** US Core's searches by patient, with the category that it wants for Observation and CarePlan. */
const usCoreSearches = [
  'AllergyIntolerance',
  'CarePlan?category=assess-plan',
  'CareTeam',
  'Condition',
  'Device',
  'DiagnosticReport',
  'DocumentReference',
  'Encounter',
  'Goal',
  'Immunization',
  'MedicationRequest',
  'Observation?category=laboratory',
  'Observation?category=social-history',
  'Observation?category=vital-signs',
  'Procedure',
];

/**
 * Epic. Its endpoints lie below one server: `/api/FHIR/R4`, `/oauth2/authorize`, `/oauth2/token`, and its issuer is
 * `/oauth2` (the discovery documents of Epic's sandbox, fhir.epic.com, as collected on 2026-07-24 in
 * https://github.com/api-evangelist/epic-systems/blob/55705e49aac88a5e8187bb430c2adb329e5ab705/authentication/epic-systems-authentication.yml).
 * Since January 2026 it wants `private_key_jwt`; a client asks for no scope that names resources, since Epic grants what
 * the app is registered for; there is no `$everything`, and FHIR is asked for as `application/json+fhir` (a client's
 * configuration of 2025-12-28,
 * https://github.com/fastenhealth/fasten-sources/blob/968f61596b9660d170e74dc619c90bfb163a883e/definitions/platform/epic.yaml).
 * A search for Observation without a category is refused (seen on 2026-09-22,
 * https://github.com/jwilleke/yourphr/issues/754).
 */
export const epic = ({ server, quirks, ...inputs }: EpicInputs): Payer =>
  smart({
    fhirBaseUrl: `${server}/api/FHIR/R4`,
    issuer: `${server}/oauth2`,
    sendsIss: false,
    authorizationEndpoint: `${server}/oauth2/authorize`,
    tokenEndpoint: `${server}/oauth2/token`,
    scopes: ['openid', 'fhirUser', 'profile'],
    everything: false,
    wholeRecord: { searches: usCoreSearches },
    quirks: { fhirMediaType: 'application/json+fhir', ...quirks },
    ...inputs,
  });

interface OracleHealthInputs extends ProductInputs<'fhirBaseUrl' | 'authorizationEndpoint' | 'tokenEndpoint'> {
  /** The tenant's id, a UUID. */
  readonly tenant: string;
}

/** The types that a patient's app can read, and search by patient. */
const oracleHealthTypes = [
  'AllergyIntolerance',
  'CarePlan',
  'CareTeam',
  'Condition',
  'Consent',
  'Coverage',
  'Device',
  'DiagnosticReport',
  'DocumentReference',
  'Encounter',
  'FamilyMemberHistory',
  'Goal',
  'Immunization',
  'MedicationAdministration',
  'MedicationDispense',
  'MedicationRequest',
  'NutritionOrder',
  'Observation',
  'Procedure',
  'QuestionnaireResponse',
  'RelatedPerson',
  'ServiceRequest',
];

/**
 * Oracle Health Millennium (Cerner), as patients reach it. Every endpoint has the tenant in its path; scopes are listed
 * by type, in SMART's v1 and v2, without a wildcard; PKCE with S256; a secret by Basic, or a key (the sandbox tenant's
 * smart-configuration as collected on 2026-08-14 in
 * https://github.com/api-evangelist/cerner/blob/fa0746452ec112d264ea0ec536a7d56591b0c9e7/well-known/cerner-smart-configuration-patient.json;
 * https://docs.oracle.com/en/industries/health/millennium-platform-apis/mfrap/op-well-known-smart-configuration-get.html,
 * read on 2026-11-26). There is no `$everything` (a client's configuration of 2024-07-02,
 * https://github.com/fastenhealth/fasten-sources/blob/968f61596b9660d170e74dc619c90bfb163a883e/definitions/platform/cerner.yaml).
 *
 */
export const oracleHealth = ({ tenant, ...inputs }: OracleHealthInputs): Payer => {
  const server = `https://authorization.cerner.com/tenants/${tenant}`;
  const smartV1 = 'protocols/oauth2/profiles/smart-v1';
  return smart({
    fhirBaseUrl: `https://fhir-myrecord.cerner.com/r4/${tenant}`,
    issuer: server,
    sendsIss: false,
    authorizationEndpoint: `${server}/${smartV1}/personas/patient/authorize`,
    tokenEndpoint: `${server}/hosts/fhir-myrecord.cerner.com/${smartV1}/token`,
    revocationEndpoint: `${server}/${smartV1}/token/revoke`,
    scopes: [
      'launch/patient',
      'offline_access',
      'patient/Patient.read',
      'patient/Binary.read',
      ...oracleHealthTypes.map((type) => `patient/${type}.read`),
    ],
    everything: false,
    wholeRecord: { searches: oracleHealthTypes },
    ...inputs,
  });
};

/**
 * HAPI FHIR, and Smile CDR, which is built on it: SMART with `$everything`. Their Bundles page by `_getpages` at the base
 * itself (https://hapifhir.io/hapi-fhir/docs/server_plain/paging.html); Smile CDR checks `aud` against a list of its own
 * (https://smilecdr.com/docs/configuration_categories/security_smart_authorization.html). Both read on 2026-11-26. Paths
 * are the operator's choice, so every endpoint is an input.
 */
export const hapi = (inputs: Smart): Payer =>
  smart({ pagingParameters: ['_getpages', '_getpagesoffset', '_bundletype'], ...inputs });

interface BlueButtonInputs extends ProductInputs<'fhirBaseUrl' | 'authorizationEndpoint' | 'tokenEndpoint'> {
  /** @default sandbox */
  readonly environment?: 'production' | 'sandbox';
  /** How long CMS lets the gateway read: what its app was registered for. @default 13 months */
  readonly access?: '13 months' | '10 hours' | 'research';
}

/** Seconds. Any 13 months have at least 393 days. A research app's access has no end. */
const blueButtonAccess = {
  '13 months': { consentLifetime: 393 * 86_400 },
  '10 hours': { consentLifetime: 36_000 },
  research: {},
};

const blueButtonScopes = [
  'launch/patient',
  'patient/Patient.read',
  'patient/Coverage.read',
  'patient/ExplanationOfBenefit.read',
];

/** The address of an environment's server. */
const blueButtonServer = ({ environment = 'sandbox' }: Pick<BlueButtonInputs, 'environment'>): string =>
  `https://${environment === 'production' ? 'api' : 'sandbox'}.bluebutton.cms.gov`;

/** What both versions of the API share. */
const blueButtonOf = (
  version: 'v2' | 'v3',
  { environment, access = '13 months', quirks, ...inputs }: BlueButtonInputs & { readonly tokenEndpoint: string },
): Payer => {
  const at = `${blueButtonServer(environment === undefined ? {} : { environment })}/${version}`;
  return smart({
    fhirBaseUrl: `${at}/fhir`,
    authorizationEndpoint: `${at}/o/authorize/`,
    revocationEndpoint: `${at}/o/revoke_token/`,
    clientAuthentication: 'client_secret_basic',
    scopes: blueButtonScopes,
    everything: false,
    wholeRecord: { searches: ['Coverage', 'ExplanationOfBenefit'], pageSize: 50 },
    pagingParameters: ['startIndex'],
    ...blueButtonAccess[access],
    quirks: { aud: false, ...quirks },
    ...inputs,
  });
};

/**
 * CMS Blue Button 2.0: Medicare's claims (Patient, Coverage, ExplanationOfBenefit), nothing clinical, and no
 * `$everything`. Confidential clients only; PKCE with S256 is required; the documented requests have no `aud`
 * (https://bluebutton.cms.gov/api-documentation/authorization/, read on 2026-11-26). `launch/patient` puts the patient's
 * id into the token answer; access tokens live for an hour, a refresh token is good once, and an app for 10 hours gets
 * none (
 * https://github.com/api-evangelist/cms-blue-button/blob/bcafda82a8062c0d64f248bef00a7062ff758a2e/openapi/_original/cms-blue-button-openapi.yml,
 * 2026-07-11; https://groups.google.com/g/developer-group-for-cms-blue-button-api/c/ICDomfEUaxY, 2024-06-04). Issuer and
 * revocation endpoint are from its OpenID configuration, collected on 2026-08-15
 * (https://github.com/api-evangelist/cms/blob/78040a96c96f36ba96e2fabff3a7f1e71cee508d/well-known/cms-bluebutton-openid-configuration.json),
 * which leaves out the trailing slash; its server only has the path with it.
 * Members may withhold their demographics, and then Patient is refused. A page has 10 claims, and 50 at most
 * (https://groups.google.com/g/developer-group-for-cms-blue-button-api/c/lk8XhTO4g2c, 2018-03-29).
 */
export const blueButton = (inputs: BlueButtonInputs): Payer => {
  const server = blueButtonServer(inputs);
  return blueButtonOf('v2', { issuer: server, sendsIss: false, tokenEndpoint: `${server}/v2/o/token/`, ...inputs });
};

/** CLEAR, at IAL2 (the settings of Blue Button's server, 2026-08-21: see {@link blueButtonV3}). It has no other issuer for tests. */
export const clear: IdentityProvider = {
  issuer: 'https://verified.clearme.com/integrations',
  jwksUri: 'https://verified.clearme.com/integrations/.well-known/jwks.json',
  algorithms: ['RS256'],
};

/** ID.me, at IAL2 (the same settings). */
export const idMe: IdentityProvider = {
  issuer: 'https://api.id.me/oidc',
  jwksUri: 'https://api.id.me/oidc/.well-known/jwks',
  algorithms: ['RS256'],
};

/** ID.me for tests (the same settings). Blue Button's sandbox takes its tokens, and production does not. */
export const idMeSandbox: IdentityProvider = {
  issuer: 'https://api.idmelabs.com/oidc',
  jwksUri: 'https://api.idmelabs.com/oidc/.well-known/jwks',
  algorithms: ['RS256'],
};

type BlueButtonV3Inputs = BlueButtonInputs & { readonly publicKeys: NonNullable<Smart['publicKeys']> };

/**
 * CMS Blue Button, version 3, which also answers an app that presents its member's identity token. Its tokens are not those of
 * version 2. An app has to be enabled for it, and gives CMS the URL of its JWKS
 * (https://bluebutton.cms.gov/cms-aligned-networks-documentation/). Where that page and the server's public code differ, this is
 * the code's
 * (https://github.com/CMSgov/bluebutton-web-server/tree/ba0c6856a51c13bd849da2fcc0d6e44eed08dc73, 2026-08-21):
 * the assertion's `aud` is the token endpoint without a trailing slash, to the letter; `auth_time` is at most 300 seconds ago; what
 * a member gave an app this way ends 90 days after the last refresh. A code and a refresh take the client secret, so the payer's
 * secret has both. `revoke_token` ends one token; `revoke` would end all that the member gave. Its discovery document leaves out
 * trailing slashes, and the issuer's own is about version 2.
 */
export const blueButtonV3 = (inputs: BlueButtonV3Inputs): Payer =>
  blueButtonOf('v3', {
    tokenEndpoint: `${blueButtonServer(inputs)}/v3/o/token`,
    identitySignIn: {
      issuers: [clear, inputs.environment === 'production' ? idMe : idMeSandbox].map(({ issuer }) => issuer),
      assertionAlgorithm: 'ES384',
      scopes: blueButtonScopes,
      noMatch: [{ status: 401, members: { status_code: 401 } }],
      consentLifetime: 90 * 86_400,
    },
    ...inputs,
  });
