import { checkStage } from '../config/checks/check-stage.ts';
import { registryData } from '../config/checks/load.ts';
import { smart } from '../config/presets.ts';
import type { RegistryData } from '../functions/shared/registry/types.ts';
import { sha256 } from '../functions/shared/store/crypto.ts';
import { keys } from './keys.ts';
import { payerPaths } from './payer-data.ts';

/** The measured partner and payer. All others come before them in the configuration. */
export const measured = {
  payer: 'payer',
  partner: 'partner',
  secret: 'no secret',
  redirectUri: 'https://partner.example.org/callback',
  origin: 'https://gateway.example.org',
  /** The identity provider's issuer, and the partner's audience there. */
  issuer: 'https://identity.example.org',
  audience: 'partner-there',
} as const;

const scopes = ['launch/patient', 'patient/*.rs', 'offline_access'];

const takingIdentities = {
  clientAuthentication: 'client_secret_basic',
  publicKeys: [keys.gateway.publicJwk],
  identitySignIn: {
    issuers: [measured.issuer],
    assertionAlgorithm: 'ES384',
    scopes,
    noMatch: [{ status: 401, members: { status_code: 401 } }],
  },
} as const;

/** The measured partner may also present its members' identity tokens. */
const presenting = {
  clientAuthentication: ['client_secret_basic', 'private_key_jwt'],
  jwks: [keys.partner.publicJwk],
  consentReason: 'it asks its members itself',
  identityAudiences: [{ issuer: measured.issuer, audiences: [measured.audience] }],
};

const payer = (id: string, origin: string) =>
  smart({
    id,
    displayName: `Health plan ${id}`,
    clientId: 'gateway',
    // The payer's server knows the measured one only; each has its own base.
    fhirBaseUrl: `${id === measured.payer ? origin : `https://${id}.example.org`}${payerPaths.fhir}`,
    authorizationEndpoint: origin + payerPaths.authorize,
    tokenEndpoint: origin + payerPaths.token,
    ...(id === measured.payer ? takingIdentities : {}),
  });

const partner = (clientId: string, payers: readonly string[]) => ({
  clientId,
  name: `App ${clientId}`,
  homePage: 'https://partner.example.org/',
  redirectUris: [measured.redirectUri],
  clientAuthentication: ['client_secret_basic'],
  secretHashes: [sha256(clientId === measured.partner ? measured.secret : clientId)],
  scopes,
  payers,
  consent: 'partner',
  // High enough to refuse nothing: only the cost of the limit is measured.
  rate: { perSecond: 1e9, burst: 1e9 },
  ...(clientId === measured.partner ? presenting : {}),
});

export const identityProvider = {
  issuer: measured.issuer,
  jwksUri: `${measured.issuer}/keys`,
  algorithms: ['RS256' as const],
};

/** How many payers and partners a registry has. */
export interface Size {
  readonly payers: number;
  readonly partners: number;
}

/** A new stage, and a national network. */
export const few: Size = { payers: 2, partners: 2 };
export const many: Size = { payers: 5000, partners: 1000 };

const numbersTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** A stage of this size, to be checked. The measured partner may read from every payer, the others from two. */
export const stageOfSize = (payerOrigin: string, { payers, partners }: Size) => {
  const ids = [...numbersTo(payers - 1).map((index) => `${measured.payer}-${index}`), measured.payer];
  const others = numbersTo(partners - 1).map((index) => partner(`${measured.partner}-${index}`, ids.slice(0, 2)));
  return {
    stage: 'bench',
    production: false,
    origin: measured.origin,
    identityProviders: [identityProvider],
    payers: ids.map((id) => payer(id, payerOrigin)),
    partners: [...others, partner(measured.partner, ids)],
  };
};

/** The registry of a stage of this size, as its deployment fills it. */
export const registryOfSize = (payerOrigin: string, size: Size): RegistryData =>
  registryData(checkStage(stageOfSize(payerOrigin, size), 'bench'));
