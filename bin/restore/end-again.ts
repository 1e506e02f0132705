import type { Table } from '../../functions/shared/store/dynamo.ts';
import { isLive } from '../../functions/shared/store/grant-item.ts';
import { getGrant } from '../../functions/shared/store/grants.ts';
import { endGrant } from '../../functions/shared/store/member-grants.ts';
import { inParallel } from '../shared/pool.ts';
import type { RestoreDeps } from './deps.ts';
import type { Known } from './known-events.ts';

const atATime = 16;

interface Ending {
  readonly table: Table;
  readonly known: Known;
  readonly by: { readonly requestId: string; readonly operator: string; readonly note: string };
  readonly dryRun: boolean;
}

/**
 * Ends every living grant that has ended according to the audit: it came back from a copy, however that was done.
 * @returns how many there were
 */
export const endAgain = async ({ table, known, by, dryRun }: Ending, deps: RestoreDeps): Promise<number> => {
  const ended = [...known].flatMap(([grantId, events]) =>
    events.some(({ type }) => type === 'revoked') ? [grantId] : [],
  );
  const living: string[] = [];
  await inParallel(ended, atATime, async (grantId) => {
    const now = Math.floor(deps.now() / 1000);
    const grant = await getGrant(table, grantId);
    if (grant === undefined || !isLive(grant, now)) return;
    living.push(grantId);
    const { requestId, operator, note } = by;
    // It ended long ago. What the member has approved since then is valid.
    if (!dryRun) await endGrant(table, { grantId, stops: undefined }, { operator, note }, { now, requestId });
  });
  for (const grantId of living) deps.output.note(`${dryRun ? 'would end again' : 'ended again'}  ${grantId}`);
  deps.output.note(
    `Of ${ended.length} grants that have ended according to the audit, ${living.length} still worked` +
      (living.length === 0 ? '.' : dryRun ? ' and would be ended again.' : ' and were ended again.'),
  );
  return living.length;
};
