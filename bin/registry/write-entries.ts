import { entryIds, writeEntryText, type Changed } from '../../functions/shared/registry/entry-items.ts';
import { readOne, type ReadEntry, type RegistryTable } from '../shared/registry-table.ts';
import { removeEntry, writeEntry } from '../shared/registry-writes.ts';
import { hasSameEntry } from './compare.ts';
import type { Phases, Step } from './phases.ts';

/** Writes under way at the same time. */
const parallel = 32;

/** An entry that somebody else has changed since it was compared. */
export interface Conflict {
  readonly entryId: string;
  /** Undefined if the item is gone, which no tool does. */
  readonly now: ReadEntry | undefined;
}

/** How far the writing came. */
export interface EntriesWritten {
  readonly written: number;
  readonly of: number;
  /** What stopped it: entries that others have changed, or the head if someone began another apply. */
  readonly conflicts: readonly Conflict[];
}

interface Writing {
  readonly table: RegistryTable;
  readonly changed: Changed;
  /** The head's version since this apply began. */
  readonly headVersion: number;
  /** Called after each write. */
  readonly onWritten: (written: number) => void;
}

/** How often an entry is tried again because somebody stopped it, or ended its stop, in between. */
const mostTries = 10;

const isAsWanted = (now: ReadEntry | undefined, digest: string | undefined): boolean =>
  now !== undefined && !now.damaged && now.digest === digest;

/** A partner that is written twice is read in between: it must be as the first write left it. */
const itemBefore = async (
  { table }: Writing,
  { change: { entryId, item } }: Step,
  left: string | undefined,
): Promise<{ readonly item: ReadEntry | undefined } | Conflict> => {
  if (left === undefined) return { item };
  const now = await readOne(table, entryId);
  return isAsWanted(now, left) ? { item: now } : { entryId, now };
};

/** Writes a step, on whatever stop its item has by then. @returns the conflict, if somebody changed the entry */
const writeStep = async (writing: Writing, step: Step, left: string | undefined): Promise<Conflict | undefined> => {
  const { table, changed } = writing;
  const { entry, change } = step;
  const { entryId } = change;
  const digest = entry === undefined ? undefined : writeEntryText(entry).digest;
  const found = await itemBefore(writing, step, left);
  if ('entryId' in found) return found;
  let { item } = found;
  for (let tries = 0; tries < mostTries; tries += 1) {
    const result =
      entry === undefined && item !== undefined
        ? await removeEntry(table, item, changed)
        : await writeEntry(table, entryId, item, entry ?? {}, changed);
    if (result.written) return undefined;
    const { now } = result;
    // Somebody applied the same.
    if (isAsWanted(now, digest)) return undefined;
    if (!hasSameEntry(now, item)) return { entryId, now };
    item = now;
  }
  return { entryId, now: item };
};

/** The head, if someone began another apply. */
const otherApply = async ({ table, headVersion }: Writing): Promise<readonly Conflict[]> => {
  const now = await readOne(table, entryIds.apply);
  return now?.version === headVersion ? [] : [{ entryId: entryIds.apply, now }];
};

/**
 * Writes entries in their phases, each by one conditional write. If somebody else changes one of them, or begins another
 * apply, it ends with the writes under way, before the next phase.
 * @throws the first error of a write
 */
export const writeEntries = async (writing: Writing, phases: Phases): Promise<EntriesWritten> => {
  const of = phases.flat().length;
  const left = new Map<string, string>();
  let written = 0;
  for (const phase of phases) {
    for (let at = 0; at < phase.length; at += parallel) {
      const other = await otherApply(writing);
      if (other.length > 0) return { written, of, conflicts: other };
      const ended = await Promise.allSettled(
        phase.slice(at, at + parallel).map(async (step) => {
          const { entryId } = step.change;
          const conflict = await writeStep(writing, step, left.get(entryId));
          if (conflict !== undefined) return conflict;
          if (step.entry !== undefined) left.set(entryId, writeEntryText(step.entry).digest);
          written += 1;
          writing.onWritten(written);
          return undefined;
        }),
      );
      const failed = ended.find((one) => one.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      const conflicts = ended.flatMap((one) => (one.status === 'fulfilled' ? (one.value ?? []) : []));
      if (conflicts.length > 0) return { written, of, conflicts };
    }
  }
  return { written, of, conflicts: [] };
};
