import { isDeepStrictEqual } from 'node:util';
import { entryIds, pagesOf, type Changed, type OriginsPage } from '../../functions/shared/registry/entry-items.ts';
import { Refusal } from '../shared/errors.ts';
import { readAll, readOne, type ReadEntry, type RegistryTable } from '../shared/registry-table.ts';
import { writeEntry } from '../shared/registry-writes.ts';
import { entriesIn, type Comparison, type Items } from './compare.ts';

type Pages = ReadonlyMap<string, object>;

const pageKeys = [...pagesOf({ payers: [], partners: [] }).keys()];

const originsIn = (page: unknown): readonly string[] => (page as Partial<OriginsPage> | undefined)?.origins ?? [];

/**
 * Adds the origins that the new partners bring, so that their pages may call from the first moment. Those that nobody
 * needs any more stay until the pages are settled, by the next apply if this one ends early.
 */
export const addOrigins = async (
  table: RegistryTable,
  { items, after }: Pick<Comparison, 'items' | 'after'>,
  changed: Changed,
): Promise<void> => {
  const wanted = [...pagesOf(after)].filter(([key]) => key.startsWith(entryIds.originsPage(0).slice(0, -1)));
  await Promise.all(
    wanted.map(async ([key, page]) => {
      const item = items.get(key);
      const origins = [...new Set([...originsIn(item?.entry), ...originsIn(page)])].toSorted();
      if (origins.length > originsIn(item?.entry).length) await writeEntry(table, key, item, { origins }, changed);
    }),
  );
};

/** The keys of the pages that differ between two states of the entries. */
export const pagesBetween = ({ before, after }: Pick<Comparison, 'before' | 'after'>): ReadonlySet<string> => {
  const old = pagesOf(before);
  return new Set(
    [...pagesOf(after)].filter(([key, page]) => !isDeepStrictEqual(old.get(key), page)).map(([key]) => key),
  );
};

const readPages = async (table: RegistryTable): Promise<ReadonlyMap<string, ReadEntry | undefined>> =>
  new Map(await Promise.all(pageKeys.map(async (key) => [key, await readOne(table, key)] as const)));

/** Rounds of reading and writing. Others may apply at the same time. */
const mostRounds = 20;

/**
 * Makes the pages from the entries that the table holds, until a round finds nothing to do.
 *
 * Each page is read before the entries, and written only if it still has that version. So a new page is never made from
 * older entries than the page it replaces. The pages that this apply's changes affect (`own`) are written at least once,
 * even if they look right, so that writes by anyone who read the entries before the change fail.
 * @returns the table's items as they were in the last round
 * @throws Refusal if others change the pages again and again
 */
export const settlePages = async (table: RegistryTable, own: ReadonlySet<string>, changed: Changed): Promise<Items> => {
  const toWrite = new Set(own);
  for (let round = 0; round < mostRounds; round += 1) {
    const pages = await readPages(table);
    const items = await readAll(table);
    const wanted: Pages = pagesOf(entriesIn(items));
    const due = [...wanted].filter(
      ([key, page]) => toWrite.has(key) || !isDeepStrictEqual(pages.get(key)?.entry, page),
    );
    if (due.length === 0) return items;
    await Promise.all(
      due.map(async ([key, page]) => {
        const { written } = await writeEntry(table, key, pages.get(key), page, changed);
        if (written) toWrite.delete(key);
      }),
    );
  }
  throw new Refusal('Others change the registry again and again, so its pages are not finished. Run apply again.');
};
