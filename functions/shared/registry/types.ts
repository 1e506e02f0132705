/** The registry's types: who the payers and partners are, and how long things live. */

/** How the gateway or a partner proves who it is at a token endpoint (RFC 6749 §2.3, RFC 7523). */
type ClientAuthentication = 'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';

/** A public key as RFC 7517 writes it; the private members are refused. */
export type PublicJwk = Readonly<Record<string, unknown>> & { readonly kty: string; readonly kid: string };

/** What a payer's authorization server wants beyond, or short of, RFC 6749: data, never code. */
export interface PayerQuirks {
  /** Send `response_type=code` to the authorize endpoint. */
  readonly responseType: boolean;
  /** Send `aud` (SMART App Launch) with the FHIR base URL. */
  readonly aud: boolean;
  /** Send a PKCE S256 challenge and verifier. */
  readonly pkce: boolean;
  /** Why this payer gets no PKCE; production asks for it where `pkce` is false. */
  readonly pkceOffReason?: string;
  /** Repeat `redirect_uri` on the token call. */
  readonly redirectUriAtToken: boolean;
  /** Further parameters for the authorize endpoint, such as `prompt`. */
  readonly extraAuthorizeParameters: Readonly<Record<string, string>>;
  /** Further origins that the payer's sign-in goes through; a browser must be let through to them. */
  readonly signInOrigins: readonly string[];
}

/** A payer profile: a payer's endpoints and quirks. */
export interface Payer {
  /** Stands in every path: lower-case letters, digits and hyphens. */
  readonly id: string;
  readonly displayName: string;
  /** The FHIR R4 base URL, without a trailing slash. */
  readonly fhirBaseUrl: string;
  /** Other spellings of the base that the payer prints in its links. */
  readonly fhirBaseUrlAliases: readonly string[];
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly revocationEndpoint?: string;
  readonly issuer?: string;
  /** Whether the payer sends `iss` in its redirect (RFC 9207). If not, an `iss` is ignored. */
  readonly sendsIss: boolean;
  /** The gateway's client id at this payer. */
  readonly clientId: string;
  readonly clientAuthentication: Exclude<ClientAuthentication, 'none'>;
  /** Public keys of ours for `private_key_jwt`; two may overlap, for rotation. */
  readonly publicKeys: readonly PublicJwk[];
  /** What the gateway asks for; empty where the payer wants no `scope` parameter. */
  readonly scopes: readonly string[];
  /** Whether `Patient/{id}/$everything` is passed on. */
  readonly everything: boolean;
  /**
   * Where the patient's id comes from: the token answer, or one `GET Patient` with the fresh token. A login for which
   * neither names one patient ends. `none`: nowhere; grants are bound to no patient, and a partner reads whatever
   * record the payer's token opens.
   */
  readonly patientFrom: 'token' | 'search' | 'none';
  /** Why this payer's grants are bound to no patient; production asks for it where `patientFrom` is `none`. */
  readonly patientNoneReason?: string;
  /**
   * Search parameters that the payer has beside those of R4, US Core, CARIN BB and PDex: codes by resource type, or by
   * `*` for all types. None may name a patient; of a reference, only `patient` and `subject` are checked.
   */
  readonly searchParameters?: Readonly<Record<string, readonly string[]>>;
  readonly quirks: PayerQuirks;
}

/** A registered app: an OAuth client of the gateway. */
export interface Partner {
  readonly clientId: string;
  readonly name: string;
  /** The app's home page, where a dead end links back to. */
  readonly homePage: string;
  /** Compared to the letter; for loopback hosts the port may differ (RFC 8252 §7.3). */
  readonly redirectUris: readonly string[];
  readonly clientAuthentication: readonly ClientAuthentication[];
  /** SHA-256 of each client secret, base64url; two may live at once. */
  readonly secretHashes: readonly string[];
  readonly jwks: readonly PublicJwk[];
  /** Whether PKCE may be left out. Default: required. */
  readonly pkceOptional: boolean;
  /** Why this partner may leave PKCE out; production asks for it where `pkceOptional` is true. */
  readonly pkceOptionalReason?: string;
  readonly scopes: readonly string[];
  /** Ids of the payers that this partner may read from. */
  readonly payers: readonly string[];
  /** Origins that browsers may call token and FHIR from (CORS). */
  readonly webOrigins: readonly string[];
  /** Who asks the member for consent: a page of the gateway's, or the partner, which has already asked. */
  readonly consent: 'gateway' | 'partner';
  /** Why a public client asks its members itself; a deployed stage asks for it, since anyone can act as that client. */
  readonly consentReason?: string;
  /** FHIR calls: sustained rate and burst, across the fleet. */
  readonly rate: { readonly perSecond: number; readonly burst: number };
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

/** What ships inside each function as `registry.json`. */
export interface RegistryData {
  readonly stage: string;
  readonly lifetimes: Lifetimes;
  readonly payers: readonly Payer[];
  readonly partners: readonly Partner[];
}
