import type { Stop } from '../../functions/shared/registry/stops.ts';
import { Refusal } from './errors.ts';
import { readOne, type ReadEntry, type RegistryTable } from './registry-table.ts';
import { endStop, stopEntry, type Written } from './registry-writes.ts';

/** What came of a stop, or of the end of one. */
export type StopOutcome =
  /** It was made, or would be; `before` is the stop that held until then. */
  | { readonly changed: true; readonly item: ReadEntry; readonly before: Stop | undefined }
  /** Nothing had to be done; `stop` is what holds. */
  | { readonly changed: false; readonly item: ReadEntry; readonly stop: Stop | undefined };

/** How often a stop is tried against others' writes. Each try is one read and one write, so this is some seconds. */
const mostTries = 20;

const requireItem = (item: ReadEntry | undefined, entryId: string): ReadEntry => {
  if (item === undefined) throw new Refusal(`The registry has no item ${entryId}. Nothing was changed.`);
  return item;
};

/** How to look at stops, and whether to write. */
export interface StopOptions {
  /** Whether a stop holds at a time, in epoch seconds: blocks and pauses differ. */
  readonly holds: (stop: Stop | undefined, now: number) => stop is Stop;
  readonly dryRun: boolean;
}

interface Writing extends StopOptions {
  /** Epoch seconds. */
  readonly now: number;
  /** Whether nothing has to be done, given the stop that holds now. */
  readonly isSo: (stop: Stop | undefined) => boolean;
  readonly write: (item: ReadEntry) => Promise<Written>;
}

/**
 * Writes into an item, on whatever version it has by then: an apply that runs at the same time neither undoes a stop nor
 * keeps it out.
 * @throws Refusal if others change the item faster than it can be read
 */
const writeOnAny = async (
  table: RegistryTable,
  entryId: string,
  { now, holds, dryRun, isSo, write }: Writing,
): Promise<StopOutcome> => {
  let found = await readOne(table, entryId);
  for (let tries = 0; tries < mostTries; tries += 1) {
    const item = requireItem(found, entryId);
    const before = holds(item.stop, now) ? item.stop : undefined;
    if (isSo(before)) return { changed: false, item, stop: before };
    if (dryRun) return { changed: true, item, before };
    const result = await write(item);
    if (result.written) return { changed: true, item, before };
    found = result.now;
  }
  throw new Refusal(`${entryId} was changed by others ${mostTries} times in a row. Nothing was changed; run again.`);
};

/**
 * Stops a partner or a payer. A stop that holds is replaced only by one with another end.
 * @throws Refusal
 */
export const stopNow = (
  table: RegistryTable,
  entryId: string,
  stop: Stop,
  options: StopOptions,
): Promise<StopOutcome> =>
  writeOnAny(table, entryId, {
    ...options,
    now: stop.at,
    isSo: (now) => now !== undefined && now.until === stop.until,
    write: (item) => stopEntry(table, item, stop),
  });

/** Ends a stop. @throws Refusal */
export const endNow = (
  table: RegistryTable,
  entryId: string,
  end: Pick<Stop, 'at' | 'by' | 'reason'>,
  options: StopOptions,
): Promise<StopOutcome> =>
  writeOnAny(table, entryId, {
    ...options,
    now: end.at,
    isSo: (now) => now === undefined,
    write: (item) => endStop(table, item, end),
  });
