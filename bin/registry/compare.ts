import { isDeepStrictEqual } from 'node:util';
import { compareTexts } from '../../functions/shared/compare-texts.ts';
import { entryIds, pagesOf } from '../../functions/shared/registry/entry-items.ts';
import type { Partner, Payer, RegistryData } from '../../functions/shared/registry/types.ts';
import { isThere, type ReadEntry } from '../shared/registry-table.ts';

/** Payers and partners, whether of a file or of the table. */
export type Entries = Pick<RegistryData, 'payers' | 'partners'>;

/** The table's items by key. */
export type Items = ReadonlyMap<string, ReadEntry>;

/** How an entry changes. */
interface Changing<Kind extends string, Entry> {
  readonly kind: Kind;
  readonly id: string;
  readonly entryId: string;
  /** The item as it was read; undefined if there is none. */
  readonly item: ReadEntry | undefined;
  /** Undefined if the entry is added, or if its item is damaged. */
  readonly before: Entry | undefined;
  /** Undefined if the entry is removed. */
  readonly after: Entry | undefined;
}
export type EntryChange = Changing<'payer', Payer> | Changing<'partner', Partner>;

/** A file's entries compared with the table's. */
export interface Comparison {
  readonly items: Items;
  readonly before: Entries;
  readonly after: Entries;
  readonly changes: readonly EntryChange[];
  /** Keys of the pages that do not fit the table's own entries. */
  readonly stalePages: readonly string[];
}

const isPayer = ({ entryId }: ReadEntry): boolean => entryId.startsWith(entryIds.payer(''));
const isPartner = ({ entryId }: ReadEntry): boolean => entryId.startsWith(entryIds.partner(''));

const byKey = (a: ReadEntry, b: ReadEntry): number => compareTexts(a.entryId, b.entryId);

/** The entries that the table has, without removed and damaged ones, in the order of their keys. */
export const entriesIn = (items: Items): Entries => {
  const sound = [...items.values()].filter(({ entry }) => entry !== undefined).toSorted(byKey);
  return {
    payers: sound.filter(isPayer).map(({ entry }) => entry as Payer),
    partners: sound.filter(isPartner).map(({ entry }) => entry as Partner),
  };
};

/** The payers and partners whose items were changed by hand. */
export const damagedIn = (items: Items): readonly ReadEntry[] =>
  [...items.values()].filter((item) => item.damaged && (isPayer(item) || isPartner(item))).toSorted(byKey);

/** Keys of the pages that differ from what they are made from. */
const stalePagesIn = (items: Items): readonly string[] =>
  [...pagesOf(entriesIn(items))]
    .filter(([key, page]) => !isDeepStrictEqual(items.get(key)?.entry, page))
    .map(([key]) => key);

/** An entry as it comes back from the table. */
const asStored = <Entry>(entry: Entry): Entry => JSON.parse(JSON.stringify(entry)) as Entry;

const idIn = ({ entryId }: ReadEntry): string => entryId.slice(entryId.indexOf('#') + 1);

const changesOf = <Kind extends 'payer' | 'partner', Entry>(
  kind: Kind,
  wanted: ReadonlyMap<string, Entry>,
  items: readonly ReadEntry[],
): Changing<Kind, Entry>[] => {
  const found = new Map(items.map((item) => [idIn(item), item]));
  const toWrite = [...wanted].flatMap(([id, entry]): Changing<Kind, Entry>[] => {
    const [item, after] = [found.get(id), asStored(entry)];
    const before = item?.entry as Entry | undefined;
    return isDeepStrictEqual(before, after) ? [] : [{ kind, id, entryId: entryIds[kind](id), item, before, after }];
  });
  const toRemove = items
    .filter((item) => !wanted.has(idIn(item)) && isThere(item))
    .map((item) => ({
      kind,
      id: idIn(item),
      entryId: item.entryId,
      item,
      before: item.entry as Entry | undefined,
      after: undefined,
    }));
  return [...toWrite, ...toRemove];
};

/** Whether an item has the same entry as another, from the same write. Its stop may have changed. */
export const hasSameEntry = (one: ReadEntry | undefined, other: ReadEntry | undefined): boolean =>
  (['entryId', 'digest', 'damaged', 'changedAt', 'changedBy', 'reason'] as const).every(
    (part) => one?.[part] === other?.[part],
  );

/** Compares a file's entries with the table's. */
export const compare = (wanted: Entries, items: Items): Comparison => {
  const all = [...items.values()].toSorted(byKey);
  const payers = new Map(wanted.payers.map((payer) => [payer.id, payer]));
  const partners = new Map(wanted.partners.map((partner) => [partner.clientId, partner]));
  return {
    items,
    before: entriesIn(items),
    after: wanted,
    changes: [
      ...changesOf('payer', payers, all.filter(isPayer)),
      ...changesOf('partner', partners, all.filter(isPartner)),
    ],
    stalePages: stalePagesIn(items),
  };
};

/** Whether the table differs from the file. */
export const differs = ({ changes, stalePages }: Comparison): boolean => changes.length > 0 || stalePages.length > 0;
