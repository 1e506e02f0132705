/**
 * The shape of a stage's configuration. Everything that a platform engineer edits lives in one value of
 * {@link StageConfig}; `check.ts` refuses what is wrong with the file, the field and what to write instead.
 *
 * A stage with `production: true` also refuses what would weaken it (`production.ts`). Five things it takes for a
 * reason, which is written beside them for whoever reviews the file: `pkceOptionalReason`, `consentReason`,
 * `quirks.pkceOffReason`, `patientNoneReason` and `wafOffReason`. A reason without the thing that it explains is refused,
 * and none of them ships to the functions.
 */

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

/** A domain of one's own in front of the API. */
export interface Domain {
  /** Such as `gateway.example.org`, in lower case; the public origin is `https://` and this. */
  readonly name: string;
  /** ARN of an ACM certificate for the name, in the stage's region and account. */
  readonly certificateArn: string;
  /**
   * The Route 53 zone in which the stack makes the record; the name lies in it. Left out: the target is an output, for
   * another DNS.
   */
  readonly hostedZone?: { readonly id: string; readonly name: string };
}

/** A VPC of the stack's own, so that payers see fixed addresses. */
export interface VpcNetwork {
  /** How many of the region's availability zones, 1 to 3; payers see an address of each. */
  readonly availabilityZones: number;
  /** The VPC's IPv4 block, /16 to /24, such as `10.20.0.0/20`. */
  readonly cidr: string;
}

/** The functions whose concurrency can be reserved. */
type FunctionName = 'authorize' | 'callback' | 'token' | 'fetch' | 'discovery';

/** What only the deployment needs. */
export interface Deployment {
  /** Whether members' real records go through it: a configuration that would weaken it stops synth. No default. */
  readonly production: boolean;
  /** The AWS account's twelve digits; left out, the one of the credentials at hand. Production names it. */
  readonly account?: string;
  /** Left out, the one of the credentials at hand. Production names it, and `edge` needs us-east-1. */
  readonly region?: string;
  readonly domain?: Domain;
  /** E-mail addresses that alarms go to; each gets a letter of AWS's to confirm. Production has at least one. */
  readonly alarmAddresses: readonly string[];
  /** Where `docs/operate.md` can be read, a URL or its path in the repository; an alarm appends its section's `#anchor`. */
  readonly runbookUrl: string;
  /** `none`: functions reach payers from AWS's own addresses. */
  readonly network: 'none' | VpcNetwork;
  /** Managed rules and a limit per address; `none` leaves the API without a web ACL. */
  readonly waf: 'none' | { readonly requestsPer5Minutes: number };
  /** Why there is no web ACL; production asks for it where `waf` is `none`. */
  readonly wafOffReason?: string;
  /** CloudFront in front, which gives clients the `WWW-Authenticate` that API Gateway renames. */
  readonly edge: boolean;
  /** What becomes of tables, logs, keys and the audit when the stack is deleted. Production retains them. */
  readonly removalPolicy: 'retain' | 'destroy';
  readonly retention: {
    /**
     * Days that logs are kept; one of CloudWatch's own numbers. Production sets no least: what must be kept for six
     * years is who read what, and that is the audit; logs are for finding faults.
     */
    readonly logDays: number;
    /**
     * Days that nobody can delete an audit event, ten years at most. Production keeps six years (45 CFR 164.316(b)(2)),
     * which are 2192.
     */
    readonly auditDays: number;
  };
  /** API Gateway's limit for all callers together: sustained requests a second, and burst. */
  readonly throttling: { readonly perSecond: number; readonly burst: number };
  /** Executions set aside for a function, and its most; left out, it shares the account's. */
  readonly concurrency: Readonly<Partial<Record<FunctionName, number>>>;
  /** The account's Lambda executions in the region; `aws lambda get-account-settings` says it. */
  readonly accountConcurrency: number;
  /** Whether the stack makes the role with which API Gateway writes access logs: one a region and account. */
  readonly apiGatewayLogRole: boolean;
}

/** One deployment. */
export interface StageConfig extends RegistryData, Deployment {
  /**
   * The public origin, such as `https://gateway.example.org`. With a domain it is the domain's, and the check sets it;
   * with neither it is the API's own URL, and stays undefined.
   */
  readonly origin?: string;
}
