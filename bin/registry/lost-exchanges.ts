import { isDeepStrictEqual } from 'node:util';
import { entryIds } from '../../functions/shared/registry/entry-items.ts';
import { mayReadFrom } from '../../functions/shared/registry/profile.ts';
import type { Identifier, Partner, Payer } from '../../functions/shared/registry/types.ts';
import type { Table } from '../../functions/shared/store/dynamo.ts';
import { exchangeOwner } from '../../functions/shared/store/exchange-items.ts';
import { countRunning } from '../../functions/shared/store/exchanges.ts';
import { groupsOf } from '../shared/groups-of.ts';
import { inParallel } from '../shared/pool.ts';
import type { Comparison, Entries, EntryChange } from './compare.ts';

/** What a change takes away from a partner that asks former plans for records. */
interface Loss {
  readonly partner: string;
  readonly payer: string;
  /** The key of the entry whose change takes it. */
  readonly entryId: string;
  /** All of it, or only an identifier, of the partner or the payer, under which Consents were accepted. */
  readonly lost: 'exchange' | 'identifier';
}

/** With how many exchanges that run, and Groups that are kept. */
export interface LostExchanges extends Loss {
  readonly running: number;
  readonly groups: number;
}

type Find = (ids: Pick<Loss, 'partner' | 'payer'>) => readonly [Partner | undefined, Payer | undefined];

const findIn = ({ partners, payers }: Entries): Find => {
  const byId = new Map(payers.map((payer) => [payer.id, payer]));
  const byClientId = new Map(partners.map((partner) => [partner.clientId, partner]));
  return ({ partner, payer }) => [byClientId.get(partner), byId.get(payer)];
};

const mayExchange = ([partner, payer]: ReturnType<Find>): boolean =>
  partner?.exchange !== undefined && payer?.exchange !== undefined && mayReadFrom(partner, payer.id);

const hasLost = (before: readonly Identifier[] = [], after: readonly Identifier[] = []): boolean =>
  before.some((one) => !after.some((other) => isDeepStrictEqual(one, other)));

/** Everybody with whom the entry of a change may have exchanged. A damaged entry may have allowed anything. */
const pairsOf = ({ kind, id }: EntryChange, { before, after }: Comparison): Pick<Loss, 'partner' | 'payer'>[] => {
  const asks = ({ exchange }: Partner | Payer): boolean => exchange !== undefined;
  return kind === 'payer'
    ? [...before.partners, ...after.partners].filter(asks).map(({ clientId }) => ({ partner: clientId, payer: id }))
    : [...before.payers, ...after.payers].filter(asks).map((payer) => ({ partner: id, payer: payer.id }));
};

/** Finds what changes take from partners that ask former plans for records. */
export const lossesIn = (comparison: Comparison): readonly Loss[] => {
  const [findBefore, findAfter] = [findIn(comparison.before), findIn(comparison.after)];
  const isDamaged = (entryId: string): boolean => comparison.items.get(entryId)?.damaged === true;
  const pairs = comparison.changes.flatMap((change) => pairsOf(change, comparison));
  const unique = new Map(pairs.map((pair) => [exchangeOwner(pair), pair]));
  return [...unique.values()].flatMap((pair): Loss[] => {
    const [partnerKey, payerKey] = [entryIds.partner(pair.partner), entryIds.payer(pair.payer)];
    const [old, next] = [findBefore(pair), findAfter(pair)];
    if (!mayExchange(old) && !isDamaged(partnerKey) && !isDamaged(payerKey)) return [];
    const [before, after] = [old, next].map((both) => both.map((entry) => entry?.exchange?.identifiers));
    if (!mayExchange(next))
      return [{ ...pair, lost: 'exchange', entryId: next[1]?.exchange === undefined ? payerKey : partnerKey }];
    if (hasLost(before![0], after![0])) return [{ ...pair, lost: 'identifier', entryId: partnerKey }];
    return hasLost(before![1], after![1]) ? [{ ...pair, lost: 'identifier', entryId: payerKey }] : [];
  });
};

const pairsAtATime = 8;

/**
 * Counts what runs and is kept of each loss, and leaves out those without any.
 * @param table Exchanges
 * @param now epoch seconds
 * @throws GatewayError `temporarily_unavailable`
 */
export const countLost = async (table: Table, losses: readonly Loss[], now: number): Promise<LostExchanges[]> => {
  const counted = losses.map((loss) => ({ ...loss, running: 0, groups: 0 }));
  await inParallel(counted, pairsAtATime, async (one) => {
    one.running = await countRunning(table, exchangeOwner(one), now);
    for await (const _group of groupsOf(table, exchangeOwner(one), now)) one.groups += 1;
  });
  return counted.filter(({ running, groups }) => running + groups > 0);
};
