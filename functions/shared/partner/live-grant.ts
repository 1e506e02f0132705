import { GatewayError } from '../errors.ts';
import { mayReadFrom } from '../registry/profile.ts';
import type { Registry } from '../registry/registry.ts';
import type { Partner, Payer } from '../registry/types.ts';
import { intersectScopes, limitGranted, readsSomething } from '../scopes/limit-scopes.ts';
import { parseScopes, type Scopes } from '../scopes/scopes.ts';
import { sameHash } from '../store/crypto.ts';
import type { Grant, IssuedAccess } from '../store/grant-item.ts';
import { bothInOrder } from './both-in-order.ts';
import { nameScopes } from './name-scopes.ts';

/** A grant's partner and payer, as the config has them now. */
export interface Allowed {
  readonly partner: Partner;
  readonly payer: Payer;
}

/**
 * Returns a grant's partner and payer if both are still registered and still allowed together. Checked at every use of
 * a grant, so that removing or blocking a partner holds at once. A grant without a patient is valid only while the
 * payer's profile allows it.
 * @throws GatewayError if the partner is blocked, the payer is paused, or the registry cannot be read. A block counts
 * before a pause: it does not end by itself
 */
export const findAllowed = async (
  registry: Registry,
  grant: Grant,
  options: { readonly evenIfPaused?: boolean } = {},
): Promise<Allowed | undefined> => {
  const [partner, payer] = await bothInOrder(registry.partner(grant.partner), registry.payer(grant.payer, options));
  if (partner === undefined || payer === undefined || !mayReadFrom(partner, payer.id)) return undefined;
  return grant.patient === undefined && payer.patientFrom !== 'none' ? undefined : { partner, payer };
};

/**
 * The granted scope, narrowed to what the config still allows the partner. It never widens: for what the config adds,
 * the member must log in again.
 */
export const scopeNow = (granted: Scopes, { scopes }: Partner): Scopes => limitGranted(granted, parseScopes(scopes));

/** The scope of an access token: also narrowed to what the payer has left of the grant since the token was issued. */
export const accessScopeNow = ({ scope }: Pick<Grant, 'scope'>, access: IssuedAccess, partner: Partner): Scopes =>
  scopeNow(intersectScopes(scope, access.scope), partner);

/**
 * Checks that tokens could still read something. If not, nothing is spent or ended: the config may be widened again.
 * @throws GatewayError `invalid_scope`
 */
export const checkReadsSomething = ({ scope: granted }: Grant, scope: Scopes): void => {
  if (readsSomething(scope)) return;
  const message = readsSomething(granted)
    ? `This app is no longer registered for anything of what was granted: ${nameScopes(granted)}.`
    : 'The health plan took back all that it had granted.';
  throw new GatewayError('invalid_scope', `${message} Ask the member to connect again.`, {
    detail: readsSomething(granted)
      ? 'nothing to read that is still registered'
      : 'the payer took back all of its scope',
  });
};

/**
 * Whether a grant's refresh tokens are valid: only while the partner is registered for `offline_access`, also if it
 * named no scope when it asked.
 */
export const mayRefresh = ({ refreshable }: Pick<Grant, 'refreshable'>, { scopes }: Pick<Partner, 'scopes'>): boolean =>
  refreshable && scopes.includes('offline_access');

/** The grant's record of a presented access token, current or previous, expired or not. */
export const findAccess = (grant: Grant, tokenHash: string): IssuedAccess | undefined =>
  [grant.access, grant.previousAccess].find((access) => sameHash(access?.hash, tokenHash));

/** Like {@link findAccess}, unless it has expired. */
export const findLiveAccess = (grant: Grant, tokenHash: string, now: number): IssuedAccess | undefined => {
  const access = findAccess(grant, tokenHash);
  return access !== undefined && access.expiresAt > now ? access : undefined;
};
