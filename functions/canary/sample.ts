import { compareTexts } from '../shared/compare-texts.ts';
import type { DirectoryEntry } from '../shared/registry/entry-items.ts';

/** How often the canary runs. */
export const intervalMs = 5 * 60_000;

/** How a run goes about the payers. */
export interface Plan {
  /** Whose facade it checks too. */
  readonly whole: readonly DirectoryEntry[];
  readonly endpointsOnly: readonly DirectoryEntry[];
}

/** The list from this place on, and then what comes before. */
const from = <T>(list: readonly T[], place: number): T[] => [...list.slice(place), ...list.slice(0, place)];

/**
 * Chooses the payers whose facade a run checks too: the next ones in each run, so that every payer's turn comes. The
 * others begin at a random place, so that it is never the same ones for which the time does not suffice.
 * @param atMs when the run was due, epoch milliseconds
 * @param random at least 0, below 1
 */
export const planRun = (
  directory: readonly DirectoryEntry[],
  { atMs, most, random }: { readonly atMs: number; readonly most: number; readonly random: number },
): Plan => {
  const sorted = directory.toSorted((a, b) => compareTexts(a.id, b.id));
  // If there are no more payers than one run takes, each run takes all of them and begins with the same one.
  const step = Math.min(most, sorted.length);
  const turn = from(sorted, (Math.floor(atMs / intervalMs) * step) % sorted.length);
  const others = turn.slice(most);
  return { whole: turn.slice(0, most), endpointsOnly: from(others, Math.floor(random * others.length)) };
};
