import { readFileSync } from 'node:fs';
import type { Lifetimes, Partner, Payer, RegistryData } from './types.ts';

/**
 * Payers and partners. It is asynchronous although it reads a file, so that a table or a configuration service can
 * replace it.
 */
export interface Registry {
  readonly stage: string;
  readonly lifetimes: Lifetimes;
  readonly payer: (id: string) => Promise<Payer | undefined>;
  readonly partner: (clientId: string) => Promise<Partner | undefined>;
  readonly payers: () => Promise<readonly Payer[]>;
  /** The partners that may read from a payer. */
  readonly partnersOf: (payerId: string) => Promise<readonly Partner[]>;
  /** Whether any partner registered this origin for browsers (CORS). */
  readonly isWebOrigin: (origin: string) => Promise<boolean>;
}

/** A registry over data in memory. A look-up by id is a look-up in a map. */
export const registryOf = ({ stage, lifetimes, payers, partners }: RegistryData): Registry => {
  const payersById = new Map(payers.map((payer) => [payer.id, payer]));
  const partnersById = new Map(partners.map((partner) => [partner.clientId, partner]));
  const webOrigins = new Set(partners.flatMap((partner) => partner.webOrigins));
  return {
    stage,
    lifetimes,
    payer: async (id) => payersById.get(id),
    partner: async (clientId) => partnersById.get(clientId),
    payers: async () => payers,
    partnersOf: async (payerId) => partners.filter((partner) => partner.payers.includes(payerId)),
    isWebOrigin: async (origin) => webOrigins.has(origin),
  };
};

/**
 * Reads the registry that ships with the function's code, once. It was checked when the stack was synthesized.
 * @throws Error naming the file, so that a function without its registry fails at start
 */
export const loadRegistry = (file: string): Registry => {
  try {
    return registryOf(JSON.parse(readFileSync(file, 'utf8')) as RegistryData);
  } catch (cause) {
    throw new Error(`The registry ${file} cannot be read`, { cause });
  }
};
