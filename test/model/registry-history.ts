import { isDeepStrictEqual } from 'node:util';
import { applyChanges } from '../../bin/registry/apply.ts';
import { compare, type Entries } from '../../bin/registry/compare.ts';
import { commonPartner } from '../../bin/registry/phases.ts';
import { Refusal } from '../../bin/shared/errors.ts';
import { readAll, readOne } from '../../bin/shared/registry-table.ts';
import { endNow, stopNow } from '../../bin/shared/stop-entry.ts';
import {
  entriesOf,
  pagesOf,
  readEntryItem,
  writeEntryText,
  type OriginsPage,
} from '../../functions/shared/registry/entry-items.ts';
import { isBlocked, isPaused, type Stop } from '../../functions/shared/registry/stops.ts';
import type { Partner, Payer } from '../../functions/shared/registry/types.ts';
import { localData } from '../support/gateway.ts';
import { randomOf } from '../support/random.ts';
import { registryWorld, type Item, type Write } from './registry-world.ts';

const now = 1_780_000_000;
const usual = { throttled: 0.02, lost: 0.02, failed: 0.004, death: 0.004 };

type Pick = <T>(list: readonly T[]) => T;

const payerIds = ['a', 'b', 'c', 'd'];
const clientIds = ['p', 'q', 'r', 's'];
const scopes = ['patient/*.rs', 'patient/Patient.rs', 'patient/Coverage.rs', 'offline_access'];
const origins = ['https://one.example', 'https://two.example', 'https://three.example'];

/** A file's payers and partners, each of a few that there may be. */
const randomEntries = (random: () => number, pick: Pick): Entries => {
  const [payer, partner] = [localData().payers[0]!, localData().partners[1]!];
  const some = <T>(list: readonly T[]): T[] => list.filter(() => random() < 0.6);
  const payers = some(payerIds).map((id) =>
    Object.assign({}, payer, {
      id,
      displayName: pick(['One', 'Two', 'Three']),
      patientFrom: pick(['token', 'none'] as const),
    }),
  );
  const partners = some(clientIds).map((clientId) =>
    Object.assign({}, partner, {
      clientId,
      name: pick(['One', 'Two']),
      scopes: some(scopes),
      payers: some(payerIds),
      webOrigins: some(origins),
      consent: pick(['gateway', 'partner'] as const),
    }),
  );
  return { payers, partners };
};

/** How an apply ended; undefined if its process died. */
type Ended = 'applied' | 'refused' | 'failed' | undefined;

interface Apply {
  readonly actor: string;
  readonly wanted: Entries;
  ended: Ended;
  /** What the person was told, if it was refused. */
  told?: string;
}

const isEntry = ({ entryId }: Write): boolean => /^(?:payer|partner)#/.test(entryId);

const stored = (item: Item | undefined) => item && readEntryItem<unknown>(item);

const tableEntries = (items: ReadonlyMap<string, Item>): Entries => {
  const of = (kind: string) =>
    [...items].filter(([key]) => key.startsWith(kind)).flatMap(([, item]) => stored(item)?.entry ?? []);
  return { payers: of('payer#') as Payer[], partners: of('partner#') as Partner[] };
};

const stopOf = (item: Item | undefined): string => JSON.stringify(item?.['stop'] ?? null);

/** A promise of the registry that a history breaks. */
class Broken extends Error {}

const require = (holds: boolean, promise: string, about: unknown = ''): void => {
  if (!holds) throw new Broken(`${promise}: ${JSON.stringify(about)}`);
};

/**
 * The pages fit the entries.
 * @param early origins that an apply may have added before it ended
 */
const requirePages = (items: ReadonlyMap<string, Item>, when: string, early: readonly string[] = []): void => {
  for (const [key, page] of pagesOf(tableEntries(items))) {
    const found = stored(items.get(key))?.entry as Partial<OriginsPage> | undefined;
    const without = (some: readonly string[]) => some.filter((origin) => !early.includes(origin));
    const fits =
      'origins' in page && found?.origins !== undefined
        ? page.origins.every((origin) => found.origins?.includes(origin)) &&
          isDeepStrictEqual(without(page.origins), without(found.origins))
        : isDeepStrictEqual(found, page);
    require(fits, `${key} fits the entries ${when}`, [page, found]);
  }
};

/** What an apply may write into an item: the file's entry, or what the old one and it have in common. */
const mayWrite = ({ entryId, before }: Write, wanted: Entries): readonly (string | undefined)[] => {
  const entry = entriesOf(wanted).get(entryId);
  if (entry === undefined) return [undefined];
  const old = stored(before)?.entry;
  const both =
    entryId.startsWith('partner#') && old !== undefined ? [commonPartner(old as Partner, entry as Partner)] : [];
  return [entry, ...both].map((one) => writeEntryText(one).entry);
};

/** Each write is on the version before it, whole, and leaves alone what is not its own. */
const checkWrite = (write: Write, applies: readonly Apply[]): void => {
  const { actor, entryId, before, after } = write;
  const [old, made] = [stored(before), stored(after)];
  require(made?.damaged === false, 'every item is whole after every write', write);
  const apply = applies.find((one) => one.actor === actor);
  if (apply !== undefined && made?.version === old?.version) {
    const { heldBy: _held, beat: _beat, ...rest } = after;
    const { heldBy: _was, beat: _before, ...others } = before ?? {};
    require(entryId === 'apply' && isDeepStrictEqual(rest, others), 'a beat changes the hold alone', write);
    return;
  }
  require(made?.version === (old?.version ?? 0) + 1, 'each write is on the version before it', write);
  if (apply === undefined) {
    require(isDeepStrictEqual(old?.entry, made?.entry), 'a stop changes no entry', write);
    return;
  }
  require(stopOf(before) === stopOf(after), 'an apply changes no stop', write);
  if (isEntry(write)) {
    require(mayWrite(write, apply.wanted).includes(after['entry']?.S), `${entryId} has a whole entry of a file`, write);
  }
};

/** Of each item, every write follows the one before: what was written is there, or was replaced by one that saw it. */
const checkChain = (writes: readonly Write[], items: ReadonlyMap<string, Item>): void => {
  for (const [entryId, chain] of Map.groupBy(writes, (write) => write.entryId)) {
    for (const [index, { before }] of chain.entries()) {
      require(index === 0 || isDeepStrictEqual(before, chain[index - 1]?.after), 'no write is lost', entryId);
    }
    require(isDeepStrictEqual(chain.at(-1)?.after, items.get(entryId)), 'the last write is there', entryId);
  }
};

/**
 * Runs several applies, stops and readers at the same time, with faults at any call, and then one more apply without.
 * @returns how the applies ended
 * @throws Broken, with the promise that does not hold
 */
export const runHistory = async (seed: number): Promise<readonly Ended[]> => {
  const random = randomOf(seed);
  const pick: Pick = (list) => list[Math.floor(random() * list.length)]!;
  const world = registryWorld(random, pick([usual, { throttled: 0, lost: 0, failed: 0, death: 0.01 }]));
  const { items, writes, tableOf } = world;

  const applies: Apply[] = [];
  const apply = async (one: Apply, begins: 'now' | 'while another writes'): Promise<void> => {
    const table = tableOf(one.actor);
    const isAnotherAtWork = (): boolean =>
      applies.some(({ actor }) => actor !== one.actor && items.get('apply')?.['changedBy']?.S === actor) &&
      items.get('apply')?.['heldBy'] !== undefined;
    const mostTurns = begins === 'now' ? 0 : 300;
    for (let turn = 0; turn < mostTurns && !isAnotherAtWork(); turn += 1) await table.wait(0);
    const changed = { changedAt: now, changedBy: one.actor, reason: 'x' };
    try {
      const compared = compare(one.wanted, await readAll(table));
      await applyChanges(
        {
          table,
          wanted: one.wanted,
          file: { file: one.actor },
          changed,
          onWritten: () => {},
          onWait: () => {},
          startBeats: (beat) => {
            let isOn = true;
            const goOn = async (): Promise<void> => {
              await table.wait(0);
              if (!isOn) return;
              await beat().catch(() => false);
              void goOn();
            };
            void goOn();
            return () => void (isOn = false);
          },
        },
        compared,
      );
      one.ended = 'applied';
    } catch (error) {
      one.ended = error instanceof Refusal ? 'refused' : 'failed';
      one.told = (error as Error).message;
      if (!(error instanceof Refusal) && !(error as Error).message.includes('injected')) throw error;
    }
  };

  /** What the tools that stop have said: whose write is in which item. */
  const told: { readonly entryId: string; readonly by: string }[] = [];
  const stop = async (actor: string, entryId: string, ends: boolean): Promise<void> => {
    const by = { at: now + told.length, by: actor, reason: 'x' };
    try {
      const holds = entryId.startsWith('partner#') ? isBlocked : (at: Stop | undefined) => isPaused(at, now);
      const done = await (ends ? endNow : stopNow)(tableOf(actor), entryId, by, { dryRun: false, holds });
      if (done.changed) told.push({ entryId, by: actor });
    } catch (error) {
      require(error instanceof Refusal || (error as Error).message.includes('injected'), 'a stop ends cleanly', String(
        error,
      ));
    }
  };

  const read = async (actor: string, entryId: string): Promise<void> => {
    for (let times = 0; times < 5; times += 1) {
      const found = await readOne(tableOf(actor), entryId).catch(() => undefined);
      require(found?.damaged !== true, 'a reader finds whole entries only', found);
    }
  };

  /** Runs processes until all have ended or died. */
  const together = async (...processes: readonly (() => Promise<void>)[]): Promise<void> => {
    const failures: unknown[] = [];
    for (const start of processes) void start().catch((error: unknown) => failures.push(error));
    await world.run();
    if (failures.length > 0) throw failures[0];
  };

  const newApply = (actor: string): Apply => {
    const one: Apply = { actor, wanted: randomEntries(random, pick), ended: undefined };
    applies.push(one);
    return one;
  };
  const first = newApply('first');
  await together(() => apply(first, 'now'));

  world.setFaulty(true);
  const keys = [...payerIds.map((id) => `payer#${id}`), ...clientIds.map((id) => `partner#${id}`)];
  const some = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, index) => newApply(`apply ${index}`));
  await together(
    ...some.map((one, index) => () => apply(one, index % 2 === 0 ? 'now' : 'while another writes')),
    ...Array.from({ length: 3 }, (_, index) => {
      const [entryId, ends] = [pick(keys), random() < 0.4];
      return () => stop(`stop ${index}`, entryId, ends);
    }),
    ...Array.from({ length: 2 }, (_, index) => {
      const entryId = pick(keys);
      return () => read(`reader ${index}`, entryId);
    }),
  );
  for (const write of writes) checkWrite(write, applies);
  checkChain(writes, items);
  for (const { actor, told: words = '' } of some) {
    const wrote = writes.some((write) => write.actor === actor);
    require(!(wrote && words.includes('Nothing was changed.')), 'whoever is second takes nothing', words);
  }
  // Nobody writes entries by hand here, so what stops an apply that has begun can only be another one.
  for (const { told: words = '' } of some)
    require(!/meanwhile|No entry was changed/.test(words), 'no apply stops another', words);
  const lastByEntry = writes.findLast((write) => isEntry(write) && applies.some(({ actor }) => actor === write.actor));
  if (applies.find(({ actor }) => actor === lastByEntry?.actor)?.ended === 'applied') {
    const unfinished = applies.filter(({ ended }) => ended !== 'applied');
    const early = unfinished.flatMap(({ wanted }) => wanted.partners.flatMap(({ webOrigins }) => webOrigins));
    requirePages(items, 'after the last successful apply', early);
  }
  for (const { entryId, by } of told) {
    require(writes.some(
      (write) => write.entryId === entryId && write.actor === by,
    ), 'a stop that was told is there', by);
  }

  world.setFaulty(false);
  const stops = new Map([...items].map(([key, item]) => [key, stopOf(item)]));
  const last = newApply('last');
  await together(() => apply(last, 'now'));
  require(last.ended === 'applied', 'the next apply finishes');
  const { payers, partners } = tableEntries(items);
  const byKey = (entries: Entries): unknown => JSON.parse(JSON.stringify(Object.fromEntries(entriesOf(entries))));
  require(isDeepStrictEqual(byKey({ payers, partners }), byKey(last.wanted)), 'the table is as the file is');
  requirePages(items, 'after the next apply');
  for (const [key, held] of stops) require(stopOf(items.get(key)) === held, 'a stop outlives every apply', key);
  return some.map(({ ended }) => ended);
};
