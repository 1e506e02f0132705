import type { Brand, Payer, PayerQuirks, PublicJwk } from '../functions/shared/registry/types.ts';
import { ConfigError } from './checks/check-stage.ts';
import { origin } from './checks/rules.ts';

/** The fields of a payer that the preset fills in. */
interface Filled {
  readonly fhirBaseUrlAliases?: readonly string[];
  /** @default true if there is an issuer */
  readonly sendsIss?: boolean;
  /** @default private_key_jwt if there are public keys, otherwise client_secret_basic */
  readonly clientAuthentication?: Payer['clientAuthentication'];
  /** Our public keys at the payer. */
  readonly publicKeys?: readonly PublicJwk[];
  /** @default launch/patient, patient/*.rs, offline_access */
  readonly scopes?: readonly string[];
  /** @default true */
  readonly everything?: boolean;
  /** @default token */
  readonly patientFrom?: Payer['patientFrom'];
  readonly quirks?: Partial<PayerQuirks>;
}

interface SmartInputs extends Omit<Payer, keyof Filled>, Filled {}

/**
 * A payer that follows SMART App Launch 2.2, with everything on (https://hl7.org/fhir/smart-app-launch/STU2.2/, read on
 * 2026-11-26).
 */
export const smart = ({ quirks, sendsIss, publicKeys = [], ...inputs }: SmartInputs): Payer => ({
  fhirBaseUrlAliases: [],
  sendsIss: sendsIss ?? inputs.issuer !== undefined,
  clientAuthentication: publicKeys.length > 0 ? 'private_key_jwt' : 'client_secret_basic',
  publicKeys,
  scopes: ['launch/patient', 'patient/*.rs', 'offline_access'],
  everything: true,
  patientFrom: 'token',
  quirks: {
    responseType: true,
    aud: true,
    pkce: true,
    redirectUriAtToken: true,
    extraAuthorizeParameters: {},
    signInOrigins: [],
    ...quirks,
  },
  ...inputs,
});

interface OneUpDemoInputs {
  readonly id: string;
  readonly displayName: string;
  readonly clientId: string;
  /** Where the authorization server is, such as `https://auth.example.org`. */
  readonly authOrigin: string;
  /** Where the FHIR API is, such as `https://api.example.org`. */
  readonly apiOrigin: string;
  /** The last part of the authorize path. @default payer2payer */
  readonly system?: string;
  /** For production: why this payer gets no PKCE. */
  readonly pkceOffReason?: string;
  readonly brand?: Brand;
}

/**
 * Without this check, a wrong origin would be reported as three fields that the person did not write.
 * @throws ConfigError
 */
const requireOrigins = (id: string, origins: Readonly<Record<string, unknown>>): void => {
  const problems = Object.entries(origins).flatMap(([field, value]) => {
    const message = typeof value === 'string' ? origin(value) : 'is missing; write a string';
    return message === undefined ? [] : [`payers (${id}).${field}: ${message}`];
  });
  if (problems.length > 0) throw new ConfigError('oneUpDemo', problems);
};

/**
 * 1upHealth's Payer2Payer as its public testing page shows it
 * (https://docs.1up.health/help-center/Content/en-US/get-started/cms-patient-access/p-to-p.html, read on 2026-11-26):
 * only `client_id`, `redirect_uri` and `state` at authorize, the secret in the form and no `redirect_uri` at token, and
 * no patient in the token answer.
 */
export const oneUpDemo = ({ authOrigin, apiOrigin, system, pkceOffReason, ...inputs }: OneUpDemoInputs): Payer => {
  requireOrigins(inputs.id, { authOrigin, apiOrigin });
  return {
    ...inputs,
    fhirBaseUrl: `${apiOrigin}/r4`,
    fhirBaseUrlAliases: [],
    authorizationEndpoint: `${authOrigin}/oauth2/authorize/${system ?? 'payer2payer'}`,
    tokenEndpoint: `${authOrigin}/oauth2/token`,
    sendsIss: false,
    clientAuthentication: 'client_secret_post',
    publicKeys: [],
    scopes: [],
    everything: true,
    patientFrom: 'search',
    quirks: {
      responseType: false,
      aud: false,
      pkce: false,
      ...(pkceOffReason === undefined ? {} : { pkceOffReason }),
      redirectUriAtToken: false,
      extraAuthorizeParameters: {},
      signInOrigins: [],
    },
  };
};
