import type { Partner, Payer } from '../../../config/stage.ts';
import type { Registry } from '../registry/registry.ts';
import { sameHash } from '../store/crypto.ts';
import type { Grant, IssuedAccess } from '../store/grant.ts';

/**
 * Whether partner and payer of a grant are still in the config, and still together: asked at every use of a grant, so
 * that taking a partner out of the file is the kill switch.
 */
export const stillAllowed = async (
  registry: Registry,
  grant: Grant,
): Promise<{ partner: Partner; payer: Payer } | undefined> => {
  const [partner, payer] = await Promise.all([registry.partner(grant.partner), registry.payer(grant.payer)]);
  return partner !== undefined && payer !== undefined && partner.payers.includes(payer.id)
    ? { partner, payer }
    : undefined;
};

/** The grant's record of a presented access token: the current one or the previous, until each expires. */
export const currentAccess = (grant: Grant, tokenHash: string, now: number): IssuedAccess | undefined =>
  [grant.access, grant.previousAccess].find(
    (access) => access !== undefined && sameHash(access.hash, tokenHash) && access.expiresAt > now,
  );
