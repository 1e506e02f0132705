import { GatewayError } from '../errors.ts';
import type { Registry } from '../registry/registry.ts';
import { hasWord, parseScopes, type Scopes } from '../registry/scopes.ts';
import type { Partner, Payer } from '../registry/types.ts';
import { sameHash } from '../store/crypto.ts';
import type { Grant, IssuedAccess } from '../store/grant.ts';
import { nameScopes } from './name-scopes.ts';
import { limitScopes, readsSomething } from './scopes.ts';

/** Whom a grant is between, as the config has them now. */
export interface Allowed {
  readonly partner: Partner;
  readonly payer: Payer;
}

/**
 * Whether partner and payer of a grant are still in the config, and still together: asked at every use of a grant, so
 * that taking a partner out of the file is the kill switch. A grant that is bound to no patient is good only while the
 * payer's profile says that its grants are.
 */
export const findAllowed = async (registry: Registry, grant: Grant): Promise<Allowed | undefined> => {
  const [partner, payer] = await Promise.all([registry.partner(grant.partner), registry.payer(grant.payer)]);
  if (partner === undefined || payer === undefined || !partner.payers.includes(payer.id)) return undefined;
  return grant.patient === undefined && payer.patientFrom !== 'none' ? undefined : { partner, payer };
};

/**
 * What is left of a scope that was granted, now that the config may let the partner have less. It never becomes more:
 * whatever the config adds, a new login has to ask for.
 */
export const scopeNow = (granted: Scopes, { scopes }: Partner): Scopes => limitScopes(granted, parseScopes(scopes));

/**
 * Checks that tokens would still read something. Nothing is spent or ended where they would not: the config may be
 * widened again.
 * @throws GatewayError `invalid_scope`
 */
export const checkReadsSomething = ({ scope: granted }: Grant, scope: Scopes): void => {
  if (readsSomething(scope)) return;
  const message = `This app is no longer registered for anything of what was granted: ${nameScopes(granted)}.`;
  throw new GatewayError('invalid_scope', `${message} Ask the member to connect again.`, {
    detail: 'nothing to read that is still registered',
  });
};

/** Whether a grant's refresh tokens are good: not once `offline_access`, with which it came, was taken from the partner. */
export const mayRefresh = ({ refreshable, scope }: Grant, { scopes }: Partner): boolean =>
  refreshable && (scopes.includes('offline_access') || !hasWord(scope, 'offline_access'));

/** The grant's record of a presented access token, be it expired or not: the current one or the previous. */
export const findAccess = (grant: Grant, tokenHash: string): IssuedAccess | undefined =>
  [grant.access, grant.previousAccess].find((access) => sameHash(access?.hash, tokenHash));

/** As {@link findAccess}, until it expires. */
export const findLiveAccess = (grant: Grant, tokenHash: string, now: number): IssuedAccess | undefined => {
  const access = findAccess(grant, tokenHash);
  return access !== undefined && access.expiresAt > now ? access : undefined;
};
