import { nowSeconds } from '../../shared/clock.ts';
import { openGroupBody, type GroupBody } from '../../shared/exchanges/group.ts';
import { isFhirId } from '../../shared/fhir/fhir-id.ts';
import { getGroup, type StoredGroup } from '../../shared/store/groups.ts';
import { noGroup, ownerOf, type Asking } from './asking.ts';

/** A Group of the partner at the payer. */
export interface OpenedGroup {
  readonly head: StoredGroup;
  readonly body: GroupBody;
}

/** Reads and opens a Group of the partner at the payer; undefined if there is none. @throws GatewayError */
export const openGroup = async (asking: Asking, id: string): Promise<OpenedGroup | undefined> => {
  const { deps, partner } = asking;
  const owner = ownerOf(asking);
  const head = isFhirId(id) ? await getGroup(deps.exchanges, owner, id, nowSeconds(deps.clock)) : undefined;
  if (head === undefined) return undefined;
  const key = await deps.openInJob({ group: `${owner}/${id}`, partner: partner.clientId }, 'group key', head.key);
  return { head, body: await openGroupBody(key, { owner, id }, head.body) };
};

/** @throws GatewayError `not_found` for another partner's or payer's Group, and for one that has expired */
export const requireGroup = async (asking: Asking, id: string): Promise<OpenedGroup> => {
  const group = await openGroup(asking, id);
  if (group === undefined) throw noGroup();
  return group;
};
