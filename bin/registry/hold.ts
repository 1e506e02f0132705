import { randomUUID } from 'node:crypto';
import { entryIds, type Changed } from '../../functions/shared/registry/entry-items.ts';
import { Refusal } from '../shared/errors.ts';
import { readOne, type ReadEntry, type RegistryTable } from '../shared/registry-table.ts';
import { beatHold, nextVersion, releaseHold, takeHold } from '../shared/registry-writes.ts';
import { lastApplyIn, lastApplyLine, type AppliedFile } from './last-apply.ts';

/*
 * Whoever applies holds the registry from the first write to the last. The item `apply` says who holds it, and has a beat
 * that moves every five seconds:
 *
 *   take ── beat ── beat ── beat ── release          whoever comes meanwhile sees the beat move, and is refused
 *   take ── beat ── †                                whoever comes sees none for 20 seconds, and takes over
 *
 * Nobody compares clocks. A holder that was only slow finds that it was replaced, and writes no more.
 */

const beatMs = 5000;
const lookMs = 1000;
/** Four beats. */
const looks = 20;

/** Beats until the returned function is called. */
export type StartBeats = (beat: () => Promise<boolean>) => () => void;

/** In real time. */
const beatsInTime: StartBeats = (beat) => {
  // A beat that fails is one that others do not see.
  const timer = setInterval(() => void beat().catch(() => false), beatMs);
  return () => clearInterval(timer);
};

const applyWords = (head: ReadEntry | undefined): string => {
  const last = lastApplyIn(head);
  return last === undefined ? 'no version' : lastApplyLine(last);
};

const changedSince = (now: ReadEntry | undefined): Refusal =>
  new Refusal(
    `The table has changed since this diff: it is at ${applyWords(now)}. Run diff again. Nothing was changed.`,
  );

/**
 * Waits until a holder is known to be dead; returns at once if there is none.
 * @param head the item `apply`, read together with the entries that were compared
 * @param onWait is called with a sentence for whoever is waiting
 * @throws Refusal if the holder is at work, or has ended since
 */
const untilFree = async (
  table: RegistryTable,
  head: ReadEntry | undefined,
  onWait: (text: string) => void,
): Promise<void> => {
  if (head?.heldBy === undefined) return;
  onWait(`An apply has not ended: ${applyWords(head)}. Looking for ${looks} seconds whether it is still at work …`);
  for (let look = 0; look < looks; look += 1) {
    await table.wait(lookMs);
    const now = await readOne(table, entryIds.apply);
    if (now?.version !== head.version || now.heldBy !== head.heldBy) throw changedSince(now);
    if (now.beat !== head.beat)
      throw new Refusal(
        `Somebody is applying: ${applyWords(now)}. Nothing was changed. When that has ended, run diff again.`,
      );
  }
};

interface Holding {
  readonly table: RegistryTable;
  readonly file: AppliedFile;
  readonly changed: Changed;
  readonly onWait: (text: string) => void;
  /** @default in time */
  readonly startBeats?: StartBeats | undefined;
}

/**
 * Holds the registry while something is written: of two people who apply at the same time, the second is refused before
 * anything is written.
 * @param head the item `apply`, read together with the entries that were compared
 * @param write gets the head's version
 * @throws Refusal
 */
export const whileHeld = async <T>(
  { table, file, changed, onWait, startBeats = beatsInTime }: Holding,
  head: ReadEntry | undefined,
  write: (headVersion: number) => Promise<T>,
): Promise<T> => {
  await untilFree(table, head, onWait);
  const holder = randomUUID();
  const taken = await takeHold(table, head, file, changed, holder);
  if (!taken.written) throw changedSince(taken.now);
  let beats = 0;
  const stopBeats = startBeats(() => beatHold(table, holder, (beats += 1)));
  try {
    return await write(nextVersion(head));
  } finally {
    stopBeats();
    // What is not released is taken over.
    await releaseHold(table, holder).catch(() => undefined);
  }
};
