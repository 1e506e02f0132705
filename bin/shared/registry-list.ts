import { visibleLine } from '../../config/checks/visible.ts';
import { compareTexts } from '../../functions/shared/compare-texts.ts';
import { instant } from '../../functions/shared/instant.ts';
import type { Stop } from '../../functions/shared/registry/stops.ts';
import type { Named } from './find-named.ts';
import { isThere, type ReadEntry } from './registry-table.ts';

/** What tools call the entries of one kind. */
export interface EntryKind {
  readonly kind: 'partner' | 'payer';
  /** What its id is called. */
  readonly idKind: string;
  /** What a stopped one is: `blocked`. */
  readonly stopped: string;
  /** Whether a stop holds at a time, in epoch seconds. */
  readonly holds: (stop: Stop | undefined, now: number) => stop is Stop;
  /** Makes the key of an item. */
  readonly entryId: (id: string) => string;
}

/** An item with the names that a person may call it by. */
export interface NamedItem extends Named {
  readonly item: ReadEntry;
}

/** An item's id, and its name, if it can be read. */
export const nameItem = ({ kind, entryId }: Pick<EntryKind, 'kind' | 'entryId'>, item: ReadEntry): NamedItem => {
  const { name, displayName } = (item.entry ?? {}) as { readonly name?: unknown; readonly displayName?: unknown };
  const called = kind === 'partner' ? name : displayName;
  return {
    id: item.entryId.slice(entryId('').length),
    name: typeof called === 'string' ? visibleLine(called) : undefined,
    item,
  };
};

const namedItems = (kind: EntryKind, items: Iterable<ReadEntry>, isWanted: (item: ReadEntry) => boolean): NamedItem[] =>
  [...items]
    .filter((item) => item.entryId.startsWith(kind.entryId('')) && isWanted(item))
    .map((item) => nameItem(kind, item))
    .toSorted((a, b) => compareTexts(a.id, b.id));

/** The items of one kind, removed ones left out. */
export const itemsOf = (kind: EntryKind, items: Iterable<ReadEntry>): NamedItem[] => namedItems(kind, items, isThere);

/** Who did it, when and why, as the rest of a sentence: `since …, by …: reason`. */
export const sinceWhom = ({ at, by, reason }: { readonly at: number; readonly by: string; readonly reason: string }) =>
  visibleLine(`since ${instant(at)}, by ${by}: ${reason}`);

/** What is wrong with an item, or stops it; undefined if nothing does. @param now epoch seconds */
const stateOf = ({ stopped, holds }: EntryKind, item: ReadEntry, now: number): string | undefined => {
  const { stop, damaged } = item;
  const states = [
    ...(holds(stop, now)
      ? [`${stopped}${stop.until === undefined ? '' : ` until ${instant(stop.until)},`} ${sinceWhom(stop)}`]
      : []),
    ...(damaged ? ['damaged: changed by hand'] : []),
    ...(isThere(item) ? [] : ['not in the registry']),
  ];
  return states.length === 0 ? undefined : states.join('; ');
};

/**
 * Lists the registry's entries of one kind as lines, and their number last. Includes those that are stopped but have no
 * entry. Those that are stopped or damaged come first.
 * @param now epoch seconds
 */
export const listLines = (
  kind: EntryKind,
  all: Iterable<ReadEntry>,
  { now, onlyStopped }: { readonly now: number; readonly onlyStopped: boolean },
): string[] => {
  // A stop counts before its entry comes back, as after `restore stops`.
  const items = namedItems(kind, all, (item) => isThere(item) || kind.holds(item.stop, now));
  const states = items.map(({ id, name = '', item }) => ({ id, name, state: stateOf(kind, item, now) }));
  const odd = states.filter(({ state }) => state !== undefined);
  const shown = onlyStopped ? odd : [...odd, ...states.filter(({ state }) => state === undefined)];
  const width = Math.max(0, ...shown.map(({ id }) => id.length));
  const stopped = items.filter(({ item }) => kind.holds(item.stop, now)).length;
  const damaged = items.filter(({ item }) => item.damaged).length;
  return [
    ...shown.flatMap(({ id, name, state }) => {
      const line = `${id.padEnd(width)}  ${name}`.trimEnd();
      return state === undefined ? [line] : [line, `  ${state}`];
    }),
    `${items.length} ${kind.kind}${items.length === 1 ? '' : 's'}, ${stopped} ${kind.stopped}, ${damaged} damaged`,
  ];
};
