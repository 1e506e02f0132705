import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkStage } from '../config/check.ts';
import { registryData } from '../config/load.ts';
import { smart } from '../config/presets.ts';
import { sha256 } from '../functions/shared/store/crypto.ts';
import { payerPaths } from './payer-data.ts';

/** The measured partner and payer. All others come before them in the configuration. */
export const measured = {
  payer: 'payer',
  partner: 'partner',
  secret: 'no secret',
  redirectUri: 'https://partner.example.org/callback',
  origin: 'https://gateway.example.org',
} as const;

const payer = (id: string, origin: string) =>
  smart({
    id,
    displayName: `Health plan ${id}`,
    clientId: 'gateway',
    fhirBaseUrl: origin + payerPaths.fhir,
    authorizationEndpoint: origin + payerPaths.authorize,
    tokenEndpoint: origin + payerPaths.token,
  });

const partner = (clientId: string, payers: readonly string[]) => ({
  clientId,
  name: `App ${clientId}`,
  homePage: 'https://partner.example.org/',
  redirectUris: [measured.redirectUri],
  clientAuthentication: ['client_secret_basic'],
  secretHashes: [sha256(measured.secret)],
  scopes: ['launch/patient', 'patient/*.rs', 'offline_access'],
  payers,
  consent: 'partner',
  // High enough to refuse nothing: only the cost of the limit is measured.
  rate: { perSecond: 1e9, burst: 1e9 },
});

/**
 * Writes a registry with this many payers and partners, as it ships beside a function's code. It may hold more than fit
 * into one stack, since only the functions are measured.
 * @returns the folder
 */
export const writeRegistry = (folder: string, payerOrigin: string, count: number): string => {
  const config = checkStage(
    {
      stage: 'bench',
      production: false,
      origin: measured.origin,
      payers: [payer(measured.payer, payerOrigin)],
      partners: [partner(measured.partner, [measured.payer])],
    },
    'bench',
  );
  const { payers, partners, ...rest } = registryData(config);
  const others = Array.from({ length: count - 1 }, (_, index) => index);
  const ids = [...others.map((index) => `${measured.payer}-${index}`), measured.payer];
  const registry = {
    ...rest,
    payers: ids.map((id) => Object.assign({}, payers[0], { id })),
    partners: [
      ...others.map((index) =>
        Object.assign({}, partners[0], { clientId: `${measured.partner}-${index}`, payers: ids.slice(0, 2) }),
      ),
      // The measured partner may read from every payer, the others from two.
      Object.assign({}, partners[0], { payers: ids }),
    ],
  };
  const target = join(folder, `registry-${count}`);
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, 'registry.json'), JSON.stringify(registry));
  return target;
};
