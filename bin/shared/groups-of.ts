import type { Table } from '../../functions/shared/store/dynamo.ts';
import { listGroups, type StoredGroupHead } from '../../functions/shared/store/groups.ts';

const groupsAtATime = 100;

/**
 * Every Group of an owner that has not expired.
 * @param table Exchanges
 * @param now epoch seconds
 * @throws GatewayError `temporarily_unavailable`
 */
export const groupsOf = async function* (table: Table, owner: string, now: number): AsyncGenerator<StoredGroupHead> {
  let after: string | undefined;
  do {
    const page = await listGroups(table, owner, { after, limit: groupsAtATime, now });
    yield* page.groups;
    after = page.after;
  } while (after !== undefined);
};
