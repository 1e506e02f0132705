import { limitDirectory, versionOf, type Directory } from './directory.ts';
import { directoryEntryOf, entryIds } from './entry-items.ts';
import { mayReadFrom } from './profile.ts';
import { blockedPartner, isBlocked, isPaused, pausedPayer, type Stop } from './stops.ts';
import type { Lifetimes, Partner, Payer, RegistryData } from './types.ts';

/**
 * Payers and partners, and what an operator has stopped. Nobody removes an entry that is listed, which is one that the
 * directory names, without leaving its item: if that is missing, the entry cannot be read.
 */
export interface Registry {
  readonly stage: string;
  readonly lifetimes: Lifetimes;
  /**
   * Finds a payer by its id.
   * @throws GatewayError `temporarily_unavailable` if the payer is paused, or its entry cannot be read
   */
  readonly payer: (
    id: string,
    options?: { readonly evenIfPaused?: boolean; readonly isListed?: boolean },
  ) => Promise<Payer | undefined>;
  /**
   * Finds a partner by its client id.
   * @throws GatewayError `unauthorized_client` if the partner is blocked, `temporarily_unavailable` if its entry cannot
   * be read
   */
  readonly partner: (
    clientId: string,
    options?: { readonly evenIfBlocked?: boolean; readonly isListed?: boolean },
  ) => Promise<Partner | undefined>;
  /**
   * Every payer, or those that a partner may read from; none if there is no such partner.
   * @throws GatewayError `temporarily_unavailable` if it cannot be read
   */
  readonly directory: (clientId?: string) => Promise<Directory>;
  /** Whether any partner registered this origin for browsers (CORS). */
  readonly isWebOrigin: (origin: string) => Promise<boolean>;
}

/** A registry over data in memory. A look-up by id is a look-up in a map. @param stops by entry id */
export const registryOf = (
  { stage, lifetimes, payers, partners }: RegistryData,
  stops: ReadonlyMap<string, Stop> = new Map<string, Stop>(),
  nowMs: () => number = Date.now,
): Registry => {
  const payersById = new Map(payers.map((payer) => [payer.id, payer]));
  const partnersById = new Map(partners.map((partner) => [partner.clientId, partner]));
  const webOrigins = new Set(partners.flatMap((partner) => partner.webOrigins));
  let changedAt: number | undefined;
  const whole = (): Directory => {
    const entries = payers.map((payer) =>
      directoryEntryOf(
        payer,
        partners.filter((partner) => mayReadFrom(partner, payer.id)),
      ),
    );
    // Not earlier: a test's clock may not be there yet when its registry is made.
    changedAt ??= Math.floor(nowMs() / 1000);
    return { entries, version: versionOf([JSON.stringify(entries)]), changedAt, isWhole: true };
  };
  return {
    stage,
    lifetimes,
    payer: async (id, { evenIfPaused = false } = {}) => {
      const [payer, stop, now] = [payersById.get(id), stops.get(entryIds.payer(id)), nowMs() / 1000];
      if (payer !== undefined && !evenIfPaused && isPaused(stop, now)) throw pausedPayer(stop, now);
      return payer;
    },
    partner: async (clientId, { evenIfBlocked = false } = {}) => {
      const [partner, stop] = [partnersById.get(clientId), stops.get(entryIds.partner(clientId))];
      if (partner !== undefined && !evenIfBlocked && isBlocked(stop)) throw blockedPartner();
      return partner;
    },
    directory: async (clientId) =>
      clientId === undefined ? whole() : limitDirectory(whole(), partnersById.get(clientId) ?? { payers: [] }, 0),
    isWebOrigin: async (origin) => webOrigins.has(origin),
  };
};
