import type { PayerOptions } from './options.ts';
import type { Colors } from './pages/style.ts';

/** How one kind of payer behaves. The two presets differ only in these values. */
export interface Preset {
  readonly paths: {
    readonly authorize: string;
    readonly token: string;
    readonly jwks?: string;
    readonly revocation?: string;
  };
  readonly scopes: readonly string[];
  /** The scope of every grant, since this payer ignores the `scope` parameter. */
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
  /** Whether the token answer has `patient`. */
  readonly namesPatient: boolean;
  /** Whether a refresh token is issued without `offline_access`. */
  readonly alwaysRefreshable: boolean;
  /** Whether `/.well-known` is served; if not, it answers 401. */
  readonly discovery: boolean;
  readonly colors: Colors;
}

/** Only what the reference page documents. */
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
  colors: { light: '#0b6b63', dark: '#7fd3c8' },
};

/** SMART App Launch 2.2 with all options on. */
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
  colors: { light: '#3f3d9e', dark: '#b5b3f5' },
};

export const presets: Readonly<Record<PayerOptions['preset'], Preset>> = { oneUpDemo, smart };
