import { nowSeconds } from '../../shared/clock.ts';
import { endedReferences } from '../../shared/exchanges/group.ts';
import { exchangeOwner, getEnded } from '../../shared/store/exchanges.ts';
import type { Export } from '../../shared/store/export-item.ts';
import type { JobDeps } from '../job/deps.ts';
import { exchangeDeps } from '../job/deps.ts';
import type { GroupInput } from './line-rules.ts';

/**
 * The references of members who may not be exported now, whatever their consents say: an operator may end a member while an
 * export runs.
 * @throws GatewayError `temporarily_unavailable`
 */
export const endedNow = async (
  deps: Pick<JobDeps, 'exchange' | 'clock'>,
  item: Pick<Export, 'payer' | 'partner'>,
  { group, members, leftOut }: GroupInput,
): Promise<ReadonlySet<string>> => {
  const all = [...members, ...leftOut];
  const ended = await getEnded(exchangeDeps(deps).table, exchangeOwner(item), group, nowSeconds(deps.clock));
  // The Group has expired or was deleted, so none of it may be exported.
  return ended === undefined ? new Set(all.map(({ reference }) => reference)) : endedReferences(all, ended);
};
