import { entryIds, type Changed } from '../../functions/shared/registry/entry-items.ts';
import { Refusal } from '../shared/errors.ts';
import { readAll, type ReadEntry, type RegistryTable } from '../shared/registry-table.ts';
import { compare, hasSameEntry, type Comparison, type Entries, type Items } from './compare.ts';
import { whileHeld, type StartBeats } from './hold.ts';
import type { AppliedFile } from './last-apply.ts';
import { phasesOf } from './phases.ts';
import { addOrigins, pagesBetween, settlePages } from './settle-pages.ts';
import { entryName, writeWords } from './tell-diff.ts';
import { writeEntries, type Conflict } from './write-entries.ts';

/** What to apply, and who applies it. */
export interface Applying {
  readonly table: RegistryTable;
  readonly wanted: Entries;
  readonly file: AppliedFile;
  readonly changed: Changed;
  /** Called after each write of an entry. */
  readonly onWritten: (written: number, of: number) => void;
  /** Gets what to tell a person while it is looked whether an apply that has not ended is still at work. */
  readonly onWait: (text: string) => void;
  /** @default in time */
  readonly startBeats?: StartBeats;
}

const conflictLine = ({ entryId, now }: Conflict): string =>
  `  ${entryName(entryId)}: ${now === undefined ? 'its item is gone' : writeWords(now)}`;

const conflictLines = (conflicts: readonly Conflict[]): string => conflicts.map(conflictLine).join('\n');

const entriesAt = (items: Items): readonly ReadEntry[] =>
  [...items.values()].filter(({ entryId }) => /^(?:payer|partner)#/.test(entryId));

/** The entries that others wrote between two reads of the table. */
const movedBetween = (earlier: Items, later: Items): Conflict[] => {
  const keys = new Set([...entriesAt(earlier), ...entriesAt(later)].map(({ entryId }) => entryId));
  return [...keys]
    .filter((entryId) => !hasSameEntry(earlier.get(entryId), later.get(entryId)))
    .map((entryId) => ({ entryId, now: later.get(entryId) }));
};

/** @throws Refusal if an earlier apply was still writing when the table was compared */
const requireUnmoved = (compared: Comparison, items: Items): void => {
  const moved = movedBetween(compared.items, items);
  if (moved.length === 0) return;
  throw new Refusal(
    `Others have changed entries since this diff:\n${conflictLines(moved)}\nRun diff again. No entry was changed.`,
  );
};

/** @throws Refusal if others changed entries while this apply wrote its own */
const requireAlone = (
  conflicts: readonly Conflict[],
  count: { readonly written: number; readonly of: number },
): void => {
  if (conflicts.length === 0) return;
  throw new Refusal(
    `Others have changed the table in the meantime:\n${conflictLines(conflicts)}\n` +
      `${count.written} of ${count.of} writes of entries were made, each as a whole. Run diff, and apply again.`,
  );
};

/**
 * Makes the table as a file is: entries first, one by one, then the pages that are made from them. If it ends early, the
 * table holds whole entries, and the next apply finishes. Whoever applies meanwhile is refused and has written nothing.
 * @param compared what the operator saw
 * @returns the registry's new version
 * @throws Refusal if others change the table at the same time
 */
export const applyChanges = (applying: Applying, compared: Comparison): Promise<number> =>
  whileHeld(applying, compared.items.get(entryIds.apply), async (headVersion) => {
    const { table, wanted, changed, onWritten } = applying;
    const comparison = compare(wanted, await readAll(table));
    requireUnmoved(compared, comparison.items);

    const phases = phasesOf(comparison.changes);
    await addOrigins(table, comparison, changed);
    const done = await writeEntries(
      { table, changed, headVersion, onWritten: (written) => onWritten(written, phases.flat().length) },
      phases,
    );
    const settled = await settlePages(table, pagesBetween(comparison), changed);
    requireAlone(done.conflicts, done);
    const others = compare(wanted, settled).changes.map(({ entryId, item }) => ({ entryId, now: item }));
    requireAlone(others, done);
    return headVersion;
  });
