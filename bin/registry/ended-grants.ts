import { isDeepStrictEqual } from 'node:util';
import { findAllowed, mayRefresh, scopeNow } from '../../functions/shared/partner/live-grant.ts';
import { entryIds } from '../../functions/shared/registry/entry-items.ts';
import { registryOf } from '../../functions/shared/registry/registry.ts';
import type { Lifetimes } from '../../functions/shared/registry/types.ts';
import { readsSomething } from '../../functions/shared/scopes/limit-scopes.ts';
import type { Grant } from '../../functions/shared/store/grant-item.ts';
import { damagedIn, type Comparison, type EntryChange } from './compare.ts';

/** Finds the key of the entry whose change would end a grant; undefined if it stays live. */
export type EndedBy = (grant: Grant) => Promise<string | undefined>;

const isIn = (list: readonly string[]) => (word: string) => list.includes(word);

/** Whether a change can end any grant at all. A damaged entry may have allowed anything. */
const canEnd = (change: EntryChange): boolean => {
  const { kind, item, before, after } = change;
  if (after === undefined || item?.damaged === true) return true;
  if (before === undefined) return false;
  if (kind === 'payer') return before.patientFrom === 'none' && after.patientFrom !== 'none';
  return !before.payers.every(isIn(after.payers)) || !isDeepStrictEqual(before.scopes, after.scopes);
};

/** Whether any of the changes can end a grant. */
export const canEndGrants = ({ changes }: Comparison): boolean => changes.some(canEnd);

/**
 * Makes the rule by which a grant would end, the same as the functions': its partner may no longer read from its payer,
 * or read none of what was granted, or not refresh its tokens. A block or a pause ends no grant.
 */
export const endedBy = ({ items, before, after }: Comparison): EndedBy => {
  const none = { stage: '', lifetimes: {} as Lifetimes };
  const [old, next] = [registryOf({ ...none, ...before }), registryOf({ ...none, ...after })];
  const damaged = new Set(damagedIn(items).map(({ entryId }) => entryId));
  const payers = new Set(after.payers.map(({ id }) => id));
  const mayReadPairs = new Map(after.partners.map(({ clientId, payers: of }) => [clientId, new Set(of)]));

  return async (grant) => {
    const [payerKey, partnerKey] = [entryIds.payer(grant.payer), entryIds.partner(grant.partner)];
    const isUnknown = damaged.has(payerKey) || damaged.has(partnerKey);
    const allowed = isUnknown ? undefined : await findAllowed(old, grant);
    if (!isUnknown && allowed === undefined) return undefined;
    const stays = await findAllowed(next, grant);
    if (stays === undefined) {
      const mayRead = mayReadPairs.get(grant.partner)?.has(grant.payer) === true;
      return payers.has(grant.payer) && !mayRead ? partnerKey : payerKey;
    }
    const didRead = allowed === undefined || readsSomething(scopeNow(grant.scope, allowed.partner));
    const didRefresh = allowed === undefined ? grant.refreshable : mayRefresh(grant, allowed.partner);
    const readsStill = !didRead || readsSomething(scopeNow(grant.scope, stays.partner));
    const refreshesStill = !didRefresh || mayRefresh(grant, stays.partner);
    return readsStill && refreshesStill ? undefined : partnerKey;
  };
};
