import { nowSeconds, type Clock } from '../clock.ts';
import { grantLifetime } from '../registry/profile.ts';
import type { Registry } from '../registry/registry.ts';
import type { Payer } from '../registry/types.ts';

/** How long a person may look at the page that asks. */
export const pageLivesSeconds = 1800;

/**
 * When the grant of a member who is asked now ends at the latest, in epoch seconds. It begins at the callback, after a
 * look at the page and a sign-in at the payer. Without a refresh token the app's last access token ends it earlier.
 */
export const latestEnd = (
  { clock, registry: { lifetimes } }: { readonly clock: Clock; readonly registry: Registry },
  payer: Payer,
  refreshable: boolean,
): number => {
  const latestBegin = nowSeconds(clock) + pageLivesSeconds + lifetimes.loginAttempt;
  const longest = grantLifetime(lifetimes, payer);
  return latestBegin + (refreshable ? longest : Math.min(longest, lifetimes.code + lifetimes.accessToken));
};
