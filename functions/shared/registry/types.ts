/** The registry's types: payers, partners, and lifetimes. `config/checks/schema.ts` checks each field. */

import type { AssertionAlgorithm, ClientAuthentication, IdentityTokenAlgorithm } from './token-endpoint.ts';

/** A public key in the form of RFC 7517. Private members are refused. */
export type PublicJwk = Readonly<Record<string, unknown>> & { readonly kty: string; readonly kid: string };

/** How a payer's authorization server differs from RFC 6749: data, never code. */
export interface PayerQuirks {
  /** Send `response_type=code` to the authorize endpoint. */
  readonly responseType: boolean;
  /** Send `aud` (SMART App Launch) with the FHIR base URL, or with another URL that the payer asks for. */
  readonly aud: boolean | string;
  /** Send a PKCE S256 challenge and verifier. */
  readonly pkce: boolean;
  /** Why this payer gets no PKCE; required in production if `pkce` is false. */
  readonly pkceOffReason?: string;
  /** Repeat `redirect_uri` on the token call. */
  readonly redirectUriAtToken: boolean;
  /** Additional parameters for the authorize endpoint, such as `prompt`. */
  readonly extraAuthorizeParameters: Readonly<Record<string, string>>;
  /** Additional parameters when a code is redeemed, such as `audience`. @default none */
  readonly extraTokenParameters?: Readonly<Record<string, string>>;
  /** Additional parameters when tokens are refreshed. @default none */
  readonly extraRefreshParameters?: Readonly<Record<string, string>>;
  /** How token and revocation requests are written: a form (RFC 6749), or one JSON object. @default form */
  readonly tokenRequest?: 'form' | 'json';
  /** With `POST` every search is sent to `_search`, its parameters in a form. Links to pages stay GETs. @default as asked */
  readonly searchMethod?: 'POST';
  /**
   * Names of headers that each request to the payer needs, such as the key of an API gateway in front of it. Their values are
   * in the payer's secret. @default none
   */
  readonly secretHeaders?: readonly string[];
  /**
   * The payer's name for FHIR JSON: asked for in `Accept`, and accepted in answers. Partners get `application/fhir+json`
   * all the same. @default application/fhir+json
   */
  readonly fhirMediaType?: string;
  /** Seconds that the FHIR API may take to send its headers. @default 60 */
  readonly timeToFirstByte?: number;
  /** Other origins that the payer's sign-in passes through, which the browser must be allowed to reach. */
  readonly signInOrigins: readonly string[];
}

/** How the whole record is read where `$everything` is missing or slow. The export of a whole record reads by it. */
interface WholeRecord {
  /**
   * Searches that together return the record, such as `Coverage` or `Observation?category=laboratory`. The gateway adds
   * the patient to each.
   */
  readonly searches?: readonly string[];
  /**
   * The types of which those searches, though each has parameters that limit it, together find all that the payer has.
   * @default such a type is never called complete
   */
  readonly exhaustive?: readonly string[];
  /** One search that returns the record in place of `$everything`, such as `ExplanationOfBenefit?_include=*`. */
  readonly substitute?: string;
  /** The `_count` of each search. @default the payer's own */
  readonly pageSize?: number;
  /** The most requests per second, over all exports. @default no limit */
  readonly requestsPerSecond?: number;
  /**
   * With `meaningless`, a page's `total` does not say how many resources there are.
   * @default a record with fewer is incomplete
   */
  readonly totals?: 'meaningless';
  /**
   * Paths beside the FHIR bases, on their servers, where exports fetch attachments with the member's token: one that ends with
   * a slash is all below it. @default Binaries only
   */
  readonly attachmentPaths?: readonly string[];
  /** With `false` an export does not fetch attachments from the payer's server. @default it does */
  readonly attachments?: false;
}

/** The numbers by which others know a health plan. */
interface PayerIdentifiers {
  /** Electronic payer ids, as claims carry them. */
  readonly payerId?: readonly string[];
  /** NAIC company codes: five digits. */
  readonly naic?: readonly string[];
  /** HIOS issuer ids: five digits. */
  readonly hios?: readonly string[];
  /** National Provider Identifiers: ten digits. */
  readonly npi?: readonly string[];
}

/** How members know a payer. The payer directory (`GET /brands`, `/connect`) shows it. */
export interface Brand {
  /** The plan's website, an https URL. */
  readonly website: string;
  /** The URL of its logo. Our own pages never load it. */
  readonly logo?: string;
  /** Other names that members search for, such as a former one. */
  readonly otherNames?: readonly string[];
  readonly identifiers?: PayerIdentifiers;
}

/** A payer's answer, known by its HTTP status and by members of its JSON body. Without `error` among them the body has no `error`. */
interface AnswerShape {
  readonly status: number;
  readonly members: Readonly<Record<string, string | number | boolean>>;
}

/** How a payer answers an app that presents its member's identity token (CMS payer participation specification, v1). */
export interface IdentitySignIn {
  /** The identity providers that the payer accepts, by their issuers. Each is one of the stage's. */
  readonly issuers: readonly string[];
  /** How the gateway signs its assertion: the key is in the payer's secret, and its public half in `publicKeys`. */
  readonly assertionAlgorithm: AssertionAlgorithm;
  /** @default the payer's `tokenEndpoint` */
  readonly tokenEndpoint?: string;
  /** What the gateway asks for in this call: only scopes that the payer lists, since others fail once the token is spent. */
  readonly scopes: readonly string[];
  /** How the payer says that no member matches, or more than one. Any other refusal is a failure. */
  readonly noMatch: readonly AnswerShape[];
  /** The policies of which an assertion must name at least one, and no other. @default none is asked for */
  readonly consentPolicies?: readonly string[];
  /** How many seconds ago the member may have signed in at the identity provider. @default 300 */
  readonly longestAuthAge?: number;
  /** How long such a grant lasts at the payer, in seconds. @default the payer's `consentLifetime` */
  readonly consentLifetime?: number;
}

/** An identity provider whose tokens about members the gateway verifies. */
export interface IdentityProvider {
  readonly issuer: string;
  /** Where it publishes its keys (RFC 7517). */
  readonly jwksUri: string;
  /** The algorithms that it signs with. */
  readonly algorithms: readonly IdentityTokenAlgorithm[];
}

/** A business identifier, as FHIR has it: an NPI has the system `http://hl7.org/fhir/sid/us-npi`. */
export interface Identifier {
  readonly system: string;
  readonly value: string;
}

/**
 * How the gateway asks this payer, as a former plan, for members' records: `$bulk-member-match` and `$davinci-data-export`
 * of PDex 2.2, with SMART Backend Services.
 */
export interface PayerExchange {
  /** The gateway's own client for it, apart from that of the sign-ins. Its key is in a secret of its own. */
  readonly clientId: string;
  readonly assertionAlgorithm: AssertionAlgorithm;
  /** The public halves of that key. Two may overlap, for rotation. */
  readonly publicKeys: readonly PublicJwk[];
  /** What the gateway asks for. */
  readonly scopes: readonly string[];
  /** The plan's identifiers. A member's Consent names one of them as the plan that may disclose. */
  readonly identifiers: readonly Identifier[];
  /** @default the payer's `tokenEndpoint` */
  readonly tokenEndpoint?: string;
  /** Without a trailing slash. @default the payer's `fhirBaseUrl` */
  readonly fhirBaseUrl?: string;
  /** Below the base. @default Group/$bulk-member-match */
  readonly matchPath?: string;
  /** Below the base, with `{group}` where the Group's id belongs. @default Group/{group}/$davinci-data-export */
  readonly exportPath?: string;
  /** @default POST, as PDex has it */
  readonly exportMethod?: 'GET';
  /** Whether it supports `_typeFilter`. @default a request with one is refused */
  readonly typeFilter?: true;
  /** Whether files are fetched with the token. @default as each manifest's `requiresAccessToken` says */
  readonly fileToken?: 'always' | 'never';
  /** Other origins of its status URLs. @default the base's only */
  readonly statusOrigins?: readonly string[];
  /** Other origins of its files. @default the base's only */
  readonly fileOrigins?: readonly string[];
  /** The most requests per second, over all exchanges. @default no limit */
  readonly requestsPerSecond?: number;
}

/** Another FHIR base that one sign-in opens, with the same token and the same patient id. */
interface FurtherBase {
  /** Without a trailing slash. */
  readonly fhirBaseUrl: string;
  /** The resource types that are read there, and only there. */
  readonly types: readonly string[];
}

/** A payer profile: a payer's endpoints and quirks. */
export interface Payer {
  /** Part of every path: lower-case letters, digits and hyphens. */
  readonly id: string;
  readonly displayName: string;
  /** The FHIR R4 base URL, without a trailing slash. */
  readonly fhirBaseUrl: string;
  /** Other spellings of the base in the payer's links. */
  readonly fhirBaseUrlAliases: readonly string[];
  /** Other FHIR bases of the same record, each with its types. A type that none of them names is at `fhirBaseUrl`. @default none */
  readonly furtherBases?: readonly FurtherBase[];
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly revocationEndpoint?: string;
  readonly issuer?: string;
  /** Where the payer publishes its `smart-configuration`, if that is not below the FHIR base URL. Read by the doctor. */
  readonly smartConfigurationUrl?: string;
  /** Where the patient's id is asked for if `patientFrom` is `userinfo` (OpenID Connect Core §5.3). */
  readonly userinfoEndpoint?: string;
  /** The keys that sign the payer's `id_token`; required if `patientFrom` is `id_token`. */
  readonly jwksUri?: string;
  /** Whether the payer sends `iss` in its redirect (RFC 9207). If not, an `iss` is ignored. */
  readonly sendsIss: boolean;
  /** The gateway's client id at this payer. */
  readonly clientId: string;
  /** How the gateway proves who it is there. With `none` it has no secret, and PKCE is required. */
  readonly clientAuthentication: ClientAuthentication;
  /**
   * The payer whose secret this one uses, by its id: the same client at the same authorization server, with another FHIR
   * base. @default its own
   */
  readonly secretOf?: string;
  /** Our public keys for `private_key_jwt`. Two may overlap, for rotation. */
  readonly publicKeys: readonly PublicJwk[];
  /** What the gateway asks for; empty if the payer wants no `scope` parameter. */
  readonly scopes: readonly string[];
  /**
   * With `asRequested` a payer that names no resources in its token answers granted what the gateway asked for.
   * @default it granted nothing, and the login ends
   */
  readonly grantedScope?: 'asRequested';
  /**
   * Words of its own in the payer's token answers that name no resources, though it is not asked for them. @default those of the
   * standards, and plain ones such as `records`
   */
  readonly ownScopes?: readonly string[];
  /** Whether `Patient/{id}/$everything` is passed on. */
  readonly everything: boolean;
  /**
   * Operations on one patient that are passed on, such as `generate-insurance-card` for `Patient/{id}/$generate-insurance-card`
   * by GET: the resource types that each returns, or `*`. None may change anything. @default none
   */
  readonly operations?: Readonly<Record<string, readonly string[]>>;
  /** How the whole record is read. @default `$everything`, or one search per type if `everything` is false */
  readonly wholeRecord?: WholeRecord;
  /**
   * Where the patient's id comes from: the token answer, one `GET Patient` with the fresh token, the userinfo endpoint,
   * or a verified `id_token`. If that names no single patient, the login ends. With `none`, grants are bound to no
   * patient, and a partner reads any record that the payer's token opens.
   */
  readonly patientFrom: 'token' | 'search' | 'userinfo' | 'id_token' | 'none';
  /**
   * The member of the token answer, userinfo answer or `id_token` that names the patient.
   * @default patient; of an `id_token` fhirUser
   */
  readonly patientMember?: string;
  /** Why this payer's grants name no patient; required in production if `patientFrom` is `none`. */
  readonly patientNoneReason?: string;
  /**
   * Search parameters that the payer has in addition to those of R4, US Core, CARIN BB and PDex: codes by resource
   * type, or by `*` for all types. None may name a patient. Of references, only `patient` and `subject` are checked.
   */
  readonly searchParameters?: Readonly<Record<string, readonly string[]>>;
  /**
   * Parameters of the payer's page links that partners may send in a search, for links that are too long to be sealed.
   * None may name a patient. @default none
   */
  readonly pagingParameters?: readonly string[];
  /** How long the member's consent at the payer lasts, in seconds. A grant ends with it. @default the stage's grant lifetime */
  readonly consentLifetime?: number;
  /** How a grant is made from a member's identity token, without a browser. @default the payer takes none */
  readonly identitySignIn?: IdentitySignIn;
  /** How it is asked for records as a former plan. @default it is not */
  readonly exchange?: PayerExchange;
  /** The kinds of plans whose members can sign in, as members call them. Shown before the sign-in. @default unknown */
  readonly linesOfBusiness?: readonly string[];
  /** How members know it. @default the directory has its name only */
  readonly brand?: Brand;
  readonly quirks: PayerQuirks;
}

/** As which audiences an identity provider knows a partner. */
interface IdentityAudiences {
  readonly issuer: string;
  readonly audiences: readonly string[];
}

/** A registered app: an OAuth client of the gateway. */
export interface Partner {
  readonly clientId: string;
  readonly name: string;
  /** The app's home page, where a dead end links back to. */
  readonly homePage: string;
  /** Its logo for our pages: a `data:` URL of an SVG, PNG or WebP image. @default its name only */
  readonly logo?: string;
  /** The URL of its privacy policy, which our pages link to. */
  readonly privacyPolicy?: string;
  /** Compared exactly; for loopback hosts the port may differ (RFC 8252 §7.3). */
  readonly redirectUris: readonly string[];
  readonly clientAuthentication: readonly ClientAuthentication[];
  /** SHA-256 of each client secret, base64url; two may live at once. */
  readonly secretHashes: readonly string[];
  readonly jwks: readonly PublicJwk[];
  /** Whether PKCE may be omitted. Default: required. */
  readonly pkceOptional: boolean;
  /** Why this partner may omit PKCE; required in production if `pkceOptional` is true. */
  readonly pkceOptionalReason?: string;
  readonly scopes: readonly string[];
  /** Ids of the payers that this partner may read from. */
  readonly payers: readonly string[];
  /** Origins that browsers may call token and FHIR from (CORS). */
  readonly webOrigins: readonly string[];
  /** Where the gateway posts events about grants and exports; an https URL. @default the partner hears of none */
  readonly webhook?: string;
  /** Who asks the member for consent: the gateway's page, or the partner, which has already asked. */
  readonly consent: 'gateway' | 'partner';
  /**
   * Why a partner asks its members itself. A public client needs one in a deployed stage, since anyone can act as that client;
   * a partner with `identityAudiences` in every stage, since no page of ours asks the member.
   */
  readonly consentReason?: string;
  /**
   * Under which audiences (client ids of this partner) identity providers issue tokens to it. An audience belongs to one partner
   * only. With it, the partner may present its members' identity tokens. @default it may not
   */
  readonly identityAudiences?: readonly IdentityAudiences[];
  /**
   * For a new plan's own system, which asks former plans for its members' records: the identifiers of plans under which it may
   * ask. @default it may not
   */
  readonly exchange?: { readonly identifiers: readonly Identifier[] };
  /** FHIR calls, sustained and in a burst, across all environments. The stage's `throttling`, of all callers together, wins. */
  readonly rate: { readonly perSecond: number; readonly burst: number };
}

/** What a stage with payer-to-payer exchanges allows. */
export interface Exchanges {
  /** For how many days after its match a Group of members stays known. @default 396, which is 13 months */
  readonly groupDays: number;
  /** How many exchanges of one partner may run at one payer. @default 20 */
  readonly mostRunning: number;
}

/** Lifetimes in seconds. */
export interface Lifetimes {
  readonly loginAttempt: number;
  readonly code: number;
  readonly accessToken: number;
  readonly grant: number;
  readonly refreshGrace: number;
  readonly publicRefreshGrace: number;
}

/** What a registry holds. */
export interface RegistryData {
  readonly stage: string;
  readonly lifetimes: Lifetimes;
  readonly payers: readonly Payer[];
  readonly partners: readonly Partner[];
}
