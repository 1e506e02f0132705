import { nowSeconds } from '../shared/clock.ts';
import { unavailable } from '../shared/errors.ts';
import type { LinkKey } from '../shared/fhir/page-link.ts';
import type { Grant } from '../shared/store/grant-item.ts';
import { addLinkKey, getGrant } from '../shared/store/grants.ts';
import type { FetchDeps } from './deps.ts';

const keyBytes = 32;

/**
 * Returns the key that seals a grant's page links. A grant of version 0.1 gets one here, once: of several concurrent
 * reads one writes it and the others read it.
 * @throws GatewayError `temporarily_unavailable`, even if the grant has ended meanwhile: the next read says so
 */
export const ensureLinkKey = async (deps: FetchDeps, { grantId, linkKey }: Grant): Promise<LinkKey> => {
  if (linkKey !== undefined) return { grantId, linkKey };
  const made = deps.randomBytes(keyBytes);
  if (await addLinkKey(deps.grants, grantId, { linkKey: made, now: nowSeconds(deps.clock) })) {
    return { grantId, linkKey: made };
  }
  const written = (await getGrant(deps.grants, grantId))?.linkKey;
  if (written === undefined) throw unavailable('no link key');
  return { grantId, linkKey: written };
};
