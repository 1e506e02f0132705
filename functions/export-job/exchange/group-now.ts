import { nowSeconds } from '../../shared/clock.ts';
import { endedReferences } from '../../shared/exchanges/group.ts';
import { exchangeOwner } from '../../shared/store/exchange-items.ts';
import type { Export } from '../../shared/store/export-item.ts';
import { getGroupHead } from '../../shared/store/groups.ts';
import type { JobDeps } from '../job/deps.ts';
import { exchangeDeps } from '../job/deps.ts';
import type { GroupInput } from './line-rules.ts';

/** A Group while an export of it runs. */
interface GroupNow {
  /** The references of members who may not be exported now, whatever their consents say: an operator may end a member meanwhile. */
  readonly ended: ReadonlySet<string>;
  /** Whether another match has given its id to a Group of different patients. */
  readonly isMixed: boolean;
}

/** Reads what is known now of the Group that is exported. @throws GatewayError `temporarily_unavailable` */
export const groupNow = async (
  deps: Pick<JobDeps, 'exchange' | 'clock'>,
  item: Pick<Export, 'payer' | 'partner'>,
  { group, members, leftOut }: GroupInput,
): Promise<GroupNow> => {
  const all = [...members, ...leftOut];
  const head = await getGroupHead(exchangeDeps(deps).table, exchangeOwner(item), group, nowSeconds(deps.clock));
  // The Group has expired or was deleted, so none of it may be exported.
  if (head === undefined) return { ended: new Set(all.map(({ reference }) => reference)), isMixed: true };
  return { ended: endedReferences(all, head.ended), isMixed: head.isMixed };
};
