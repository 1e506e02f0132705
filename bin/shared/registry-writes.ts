import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { entryIds, writeEntryText, type Changed } from '../../functions/shared/registry/entry-items.ts';
import type { Stop } from '../../functions/shared/registry/stops.ts';
import { registryAttributes } from '../../functions/shared/store/attributes.ts';
import { clausesOn, updateOf, type Change, type Clause } from '../../functions/shared/store/expressions.ts';
import { writeItem } from '../../functions/shared/store/items.ts';
import { patiently } from './patience.ts';
import { isThere, readOne, type ReadEntry, type RegistryTable } from './registry-table.ts';

/*
 * Every write raises the item's version, and is made only if the version is still the one that was read. So nobody's
 * write is lost, and nothing is written that was decided on an older state.
 */

/** Whether the write was made. If not, `now` is the item that somebody else has written since. */
export type Written = { readonly written: true } | { readonly written: false; readonly now: ReadEntry | undefined };

type RegistryChange = Omit<Change<typeof registryAttributes>, 'when'>;

const { exists, absent, is } = clausesOn(registryAttributes);

/** The version as it was read, also if it was changed by hand into something else than a number. */
const atVersion = (item: ReadEntry | undefined): readonly Clause[] => {
  if (item === undefined) return [absent('entryId')];
  const { seen } = item;
  if (seen === undefined) return [exists('entryId'), absent('version')];
  return [exists('entryId'), ({ name, value }) => `${name('version')} = ${value('version', seen)}`];
};

/** The version that a write gives an item. One whose version was changed by hand begins again. */
export const nextVersion = (item: ReadEntry | undefined): number =>
  item !== undefined && Number.isSafeInteger(item.version) && item.version > 0 ? item.version + 1 : 1;

/**
 * Makes a conditional write, also if DynamoDB limits it for a moment.
 * @param isOurs whether an item at the next version is this very write, whose answer was lost
 * @param also what must hold besides
 */
const write = async (
  table: RegistryTable,
  entryId: string,
  item: ReadEntry | undefined,
  change: RegistryChange,
  isOurs: (now: ReadEntry) => boolean,
  also: readonly Clause[] = [],
): Promise<Written> => {
  const version = nextVersion(item);
  const command = new UpdateItemCommand({
    TableName: table.name,
    Key: writeItem(registryAttributes, { entryId }),
    ...updateOf(registryAttributes, {
      ...change,
      set: { ...change.set, version },
      when: [...atVersion(item), ...also],
    }),
  });
  try {
    await patiently(table.wait, () => table.client.send(command));
    return { written: true };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    const now = await readOne(table, entryId);
    return now?.version === version && isOurs(now) ? { written: true } : { written: false, now };
  }
};

const isBy =
  ({ changedAt, changedBy, reason }: Changed) =>
  (now: ReadEntry): boolean =>
    now.changedAt === changedAt && now.changedBy === changedBy && now.reason === reason;

/**
 * Writes an entry as a whole; a stop stays.
 * @param item the item as it was read; undefined if there was none
 */
export const writeEntry = (
  table: RegistryTable,
  entryId: string,
  item: ReadEntry | undefined,
  entry: object,
  changed: Changed,
): Promise<Written> => {
  const text = writeEntryText(entry);
  const set = { ...text, ...changed };
  return write(table, entryId, item, { set }, (now) => now.digest === text.digest && isBy(changed)(now));
};

/** The hold as it was read. If it has beaten since, it is not taken over. */
const heldAsSeen = ({ heldBy, beat }: Pick<ReadEntry, 'heldBy' | 'beat'>): readonly Clause[] =>
  heldBy === undefined
    ? [absent('heldBy')]
    : [is('heldBy', '=', heldBy), beat === undefined ? absent('beat') : is('beat', '=', beat)];

/**
 * Writes who applies what, and holds the registry for them.
 * @param head the item `apply` as it was read, with a hold only if that is dead
 * @param holder a random mark
 */
export const takeHold = (
  table: RegistryTable,
  head: ReadEntry | undefined,
  file: object,
  changed: Changed,
  holder: string,
): Promise<Written> => {
  const set = { ...writeEntryText(file), ...changed, heldBy: holder };
  const isOurs = (now: ReadEntry): boolean => now.heldBy === holder;
  return write(table, entryIds.apply, head, { set, remove: ['beat'] }, isOurs, heldAsSeen(head ?? {}));
};

/** Changes the hold alone. @returns false if somebody else has taken it */
const changeHold = async (table: RegistryTable, holder: string, change: RegistryChange): Promise<boolean> => {
  const command = new UpdateItemCommand({
    TableName: table.name,
    Key: writeItem(registryAttributes, { entryId: entryIds.apply }),
    ...updateOf(registryAttributes, { ...change, when: [is('heldBy', '=', holder)] }),
  });
  try {
    await patiently(table.wait, () => table.client.send(command));
    return true;
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return false;
  }
};

/** Shows that the holder is still at work. @param beat a different number each time */
export const beatHold = (table: RegistryTable, holder: string, beat: number): Promise<boolean> =>
  changeHold(table, holder, { set: { beat } });

/** Ends a hold, if it is still this holder's. */
export const releaseHold = (table: RegistryTable, holder: string): Promise<boolean> =>
  changeHold(table, holder, { remove: ['heldBy', 'beat'] });

/** Removes an entry. Its item stays with its version and its stop, which hold if the entry comes back. */
export const removeEntry = (table: RegistryTable, item: ReadEntry, changed: Changed): Promise<Written> =>
  write(
    table,
    item.entryId,
    item,
    { set: changed, remove: ['entry', 'digest'] },
    (now) => !isThere(now) && isBy(changed)(now),
  );

const hasStop =
  (stop: Stop) =>
  ({ stop: now }: ReadEntry): boolean =>
    now?.at === stop.at && now.until === stop.until && now.by === stop.by && now.reason === stop.reason;

/** Stops a partner or a payer; an earlier stop is replaced. The entry stays as it is, damaged or not. */
export const stopEntry = (table: RegistryTable, item: ReadEntry, stop: Stop): Promise<Written> =>
  write(table, item.entryId, item, { set: { stop } }, hasStop(stop));

/** Stops a partner or a payer that has no item, as one whose entry was removed: it holds once there is an entry. */
export const stopUnknown = (table: RegistryTable, entryId: string, stop: Stop): Promise<Written> =>
  write(table, entryId, undefined, { set: { stop } }, hasStop(stop));

/** Ends a stop: one that is over takes its place, so that the audit has who ended it and why. */
export const endStop = (
  table: RegistryTable,
  item: ReadEntry,
  end: Pick<Stop, 'at' | 'by' | 'reason'>,
): Promise<Written> => stopEntry(table, item, { ...end, until: end.at });
