import { readOne, type RegistryTable } from '../../bin/shared/registry-table.ts';
import { endStop, removeEntry, stopEntry, writeEntry } from '../../bin/shared/registry-writes.ts';
import { GatewayError } from '../../functions/shared/errors.ts';
import { checkStillAllowed } from '../../functions/shared/partner/watch-stops.ts';
import { readEntryItem } from '../../functions/shared/registry/entry-items.ts';
import { isBlocked, isPaused } from '../../functions/shared/registry/stops.ts';
import type { Partner, Payer } from '../../functions/shared/registry/types.ts';
import type { Item } from '../../functions/shared/store/items.ts';
import { localData, startMs } from '../support/gateway.ts';
import { memoryDynamo } from '../support/memory-dynamo.ts';
import { randomOf } from '../support/random.ts';
import { simulation, type Environment, type Faults } from './registry-environments.ts';

/** What the registry promises its readers, in milliseconds. */
const freshMs = 20_000;
const staleMs = 300_000;
const aloneMs = 2000;
const stopHoldsMs = 30_000;
const lookMs = 5000;

/** What an item said from one moment on: what readers are told of it. */
interface State {
  readonly from: number;
  /** The marker of the entry's write; `stopped`, `damaged`, `unknown`. */
  readonly says: string;
}

class Broken extends Error {}

const keys = ['payer#a', 'payer#b', 'partner#p', 'partner#q'] as const;
type Key = (typeof keys)[number];
const nameOf = (key: Key): string => key.slice(key.indexOf('#') + 1);
const isPayer = (key: Key): boolean => key.startsWith('payer#');

/** An entry whose every changed field has the write's marker, so that a mix of two shows. */
const entryOf = (key: Key, marker: string): Payer | Partner =>
  isPayer(key)
    ? { ...localData().payers[0]!, id: nameOf(key), displayName: marker, tokenEndpoint: marker, scopes: [marker] }
    : { ...localData().partners[0]!, clientId: nameOf(key), name: marker, homePage: marker, payers: ['a', 'b'] };

const markerOf = (entry: Payer | Partner | undefined): string => {
  if (entry === undefined) return 'unknown';
  const marks =
    'displayName' in entry ? [entry.displayName, entry.tokenEndpoint, ...entry.scopes] : [entry.name, entry.homePage];
  if (new Set(marks).size !== 1) throw new Broken(`a mix of two writes: ${marks.join(', ')}`);
  return marks[0] ?? '';
};

const saysOf = (key: Key, item: Item | undefined): string => {
  if (item === undefined) return 'unknown';
  const { entry, damaged, stop } = readEntryItem<Payer | Partner>(item);
  if (damaged) return 'damaged';
  if (entry !== undefined && (isPayer(key) ? isPaused(stop, startMs / 1000) : isBlocked(stop))) return 'stopped';
  return markerOf(entry);
};

/** What happened in histories: those in which nothing happens would keep every promise. */
export type Seen = Record<'fresh' | 'old' | 'stopped' | 'damaged' | 'unknown' | 'refused' | 'cut' | 'frozen', number>;

/**
 * Runs environments that read while writers change, stop, remove, add and damage items, and checks each answer.
 * @throws Broken, with the promise that does not hold
 */
export const runReads = async (seed: number, seen: Seen): Promise<void> => {
  const random = randomOf(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const dynamo = memoryDynamo();
  const items = dynamo.items('Registry');
  const table: RegistryTable = { client: dynamo.client, name: 'Registry', wait: async () => {} };
  const endsAt = startMs + 900_000;

  const faulty: Faults = { failed: 0.1, lost: 0.05, slowestMs: 900 };
  const outage = startMs + 200_000 + Math.floor(random() * 100_000);
  const outageEnds = outage + pick([20_000, 330_000, 400_000]);
  const kind = pick(['calm', 'faulty', 'outage', 'frozen', 'back'] as const);
  const faults = (): Faults => {
    if (kind === 'faulty') return faulty;
    if (kind !== 'outage' || nowMs() < outage || nowMs() > outageEnds) return { failed: 0, lost: 0, slowestMs: 900 };
    return { failed: 0.7, lost: 0.3, slowestMs: 900 };
  };
  const { plan, run, between, environment, nowMs } = simulation(random, items, faults);

  const states = new Map<Key, State[]>(keys.map((key) => [key, [{ from: 0, says: 'unknown' }]]));
  const note = (key: Key): void => {
    states.get(key)?.push({ from: nowMs(), says: saysOf(key, items.get(key)) });
  };
  const historyOf = (key: Key): string =>
    JSON.stringify(states.get(key)?.map(({ from, says }) => [from - startMs, says]));

  /** What an item said at any moment of a time. */
  const saidIn = (key: Key, from: number, to: number): Set<string> => {
    const all = states.get(key) ?? [];
    return new Set(
      all
        .filter((state, index) => state.from <= to && (all[index + 1]?.from ?? Infinity) >= from)
        .map(({ says }) => says),
    );
  };

  let writes = 0;
  const write = async (key: Key): Promise<void> => {
    writes += 1;
    const found = await readOne(table, key);
    const by = { at: startMs / 1000 + writes, by: 'arn', reason: 'x' };
    const changed = { changedAt: by.at, changedBy: by.by, reason: by.reason };
    const what =
      found?.entry === undefined ? 'write' : pick(['write', 'write', 'stop', 'end', 'remove', 'damage'] as const);
    if (what === 'write' || found === undefined) {
      await writeEntry(table, key, found, entryOf(key, `https://write-${writes}.example`), changed);
    } else if (what === 'stop') await stopEntry(table, found, by);
    else if (what === 'end') await endStop(table, found, by);
    else if (what === 'remove') await removeEntry(table, found, changed);
    else items.set(key, { ...items.get(key), entry: { S: JSON.stringify(entryOf(key, 'by hand')) } });
    note(key);
  };

  const ask = async ({ registry }: Environment, key: Key): Promise<string> => {
    try {
      return markerOf(await (isPayer(key) ? registry.payer(nameOf(key)) : registry.partner(nameOf(key))));
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      if (error.stop !== undefined) return 'stopped';
      return error.detail === `registry: ${key} is damaged` ? 'damaged' : 'refused';
    }
  };

  const failures: unknown[] = [];
  const busy = new Map<Environment, number>();
  const request = async (at: Environment, key: Key): Promise<void> => {
    const startedMs = nowMs();
    busy.set(at, (busy.get(at) ?? 0) + 1);
    const told = await ask(at, key);
    busy.set(at, (busy.get(at) ?? 0) - 1);
    const endedMs = nowMs();
    const hasFailed = at.failedAt.some((ms) => ms >= startedMs - aloneMs && ms <= endedMs);
    const about = `${key} at ${startedMs - startMs}…${endedMs - startMs}: ${told}; ${kind}; ${historyOf(key)}`;
    if (told === 'refused') {
      seen.refused += 1;
      if (!at.failedAt.some((ms) => ms >= startedMs && ms <= endedMs))
        throw new Broken(`refused though the table answers: ${about}`);
      return;
    }
    const isFresh = saidIn(key, startedMs - freshMs, endedMs).has(told);
    if (!isFresh && !hasFailed) throw new Broken(`older than twenty seconds though the table answers: ${about}`);
    if (!saidIn(key, endedMs - staleMs, endedMs).has(told)) throw new Broken(`older than five minutes: ${about}`);
    if (told === 'stopped' || told === 'damaged' || told === 'unknown') seen[told] += 1;
    else seen[isFresh ? 'fresh' : 'old'] += 1;
  };

  /** A stream that is under way from now on, until a look ends it. */
  const stream = (at: Environment): void => {
    const [payerKey, partnerKey] = [pick(['payer#a', 'payer#b'] as const), pick(['partner#p', 'partner#q'] as const)];
    const look = async (): Promise<void> => {
      const lookedMs = nowMs();
      const isOver = await checkStillAllowed(at, { clientId: nameOf(partnerKey) }, { id: nameOf(payerKey) }).then(
        () => false,
        () => true,
      );
      if (isOver) {
        seen.cut += 1;
        return;
      }
      const hasFailed = at.failedAt.some((ms) => ms >= nowMs() - stopHoldsMs);
      for (const key of [payerKey, partnerKey]) {
        const said = saidIn(key, lookedMs - stopHoldsMs + lookMs, nowMs());
        if (!hasFailed && said.size === 1 && said.has('stopped')) {
          throw new Broken(`a stream goes on thirty seconds after a stop: ${historyOf(key)}`);
        }
      }
      if (nowMs() + lookMs < endsAt) plan(nowMs() + lookMs, () => void watched(look()));
    };
    plan(nowMs() + lookMs, () => void watched(look()));
  };
  const watched = (work: Promise<void>): Promise<void> => work.catch((error: unknown) => void failures.push(error));

  const environments = Array.from({ length: 3 }, environment);
  for (const key of keys) plan(startMs, () => write(key));
  for (let at = startMs + 1; at < endsAt; at += between(1000, 60_000)) plan(at, () => write(pick(keys)));
  for (const one of environments) {
    for (let at = startMs + between(1, 5000); at < endsAt; at += between(10, 12_000)) {
      plan(at, () => {
        if (nowMs() < one.frozenUntilMs()) return;
        void watched(request(one, pick(keys)));
        if (kind !== 'frozen' && random() < 0.05) stream(one);
        if (kind === 'back' && random() < 0.05) one.setBack(between(1, 3_600_000));
      });
      // Lambda freezes an environment between two requests.
      plan(at + 1000, () => {
        if (kind !== 'frozen' || (busy.get(one) ?? 0) > 0 || nowMs() < one.frozenUntilMs() || random() < 0.8) return;
        const [key, until] = [pick(keys), nowMs() + between(1000, 400_000)];
        // A read that nobody waits for goes on when the environment does.
        void ask(one, key);
        one.freeze(until);
        plan(until + between(0, 60), () => void watched(request(one, key)));
        seen.frozen += 1;
      });
    }
  }
  await run();
  if (failures.length > 0) throw failures[0];
};
