import type { PayerOptions } from './options.ts';

/** How one kind of payer behaves. The two presets differ in these values and in nothing else. */
export interface Preset {
  readonly paths: {
    readonly authorize: string;
    readonly token: string;
    readonly jwks?: string;
    readonly revocation?: string;
  };
  readonly scopes: readonly string[];
  /** Used whatever a client asks for: this payer takes no `scope` parameter. */
  readonly fixedScope?: string;
  readonly codeSeconds: number;
  readonly accessTokenSeconds: number;
  readonly pkceRequired: boolean;
  /** Whether `aud` must be the FHIR base URL (SMART App Launch 2.2). */
  readonly audRequired: boolean;
  /** Whether the token call must repeat `redirect_uri` (RFC 6749 §4.1.3). */
  readonly redirectUriAtToken: boolean;
  /** Whether redirects carry `iss` (RFC 9207). */
  readonly sendsIss: boolean;
  /** Whether the token answer names the patient. */
  readonly namesPatient: boolean;
  /** Whether a refresh token is given without `offline_access`. */
  readonly alwaysRefreshable: boolean;
  /** Whether there is anything under `/.well-known`; if not, it answers 401. */
  readonly discovery: boolean;
  readonly colour: string;
}

/** What the reference page documents, and no more than that. */
const oneUpDemo: Preset = {
  paths: { authorize: '/oauth2/authorize/payer2payer', token: '/oauth2/token' },
  scopes: ['patient/*.read'],
  fixedScope: 'patient/*.read',
  codeSeconds: 300,
  accessTokenSeconds: 3600,
  pkceRequired: false,
  audRequired: false,
  redirectUriAtToken: false,
  sendsIss: false,
  namesPatient: false,
  alwaysRefreshable: true,
  discovery: false,
  colour: '#0b6b63',
};

/** SMART App Launch 2.2 with everything on. */
const smart: Preset = {
  paths: {
    authorize: '/oauth2/authorize',
    token: '/oauth2/token',
    jwks: '/oauth2/jwks',
    revocation: '/oauth2/revoke',
  },
  scopes: ['launch/patient', 'offline_access', 'patient/*.rs', 'patient/*.r', 'patient/*.s', 'patient/*.read'],
  codeSeconds: 60,
  accessTokenSeconds: 300,
  pkceRequired: true,
  audRequired: true,
  redirectUriAtToken: true,
  sendsIss: true,
  namesPatient: true,
  alwaysRefreshable: false,
  discovery: true,
  colour: '#3f3d9e',
};

export const presets: Readonly<Record<PayerOptions['preset'], Preset>> = { oneUpDemo, smart };
