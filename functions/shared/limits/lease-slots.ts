import { ConditionalCheckFailedException, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { limitAttributes } from '../store/attributes.ts';
import type { Table } from '../store/dynamo.ts';
import { anyOf, clausesOn, updateOf, type Change } from '../store/expressions.ts';
import { readerOf, writeItem } from '../store/items.ts';
import { withTimeLimit, type LimitedCall, type TimeLimit } from '../store/time-limit.ts';
import { boundsOf, roundingMs, slotMsOf, spareOf, wayOf, type Bounds, type Rate } from './slots.ts';

const { absent, exists, is } = clausesOn(limitAttributes);

/** A request for slots of a limit. */
interface LeaseRequest {
  /** Whose limit, such as `partner#demo-app`. */
  readonly key: string;
  readonly rate: Rate;
  /** How many slots are needed now. */
  readonly needed: number;
  /**
   * How many slots at most. Within the limit, slots that are not needed now are taken only from lost ones, which no other
   * environment can use, unless the caller is `alone`.
   */
  readonly slots: number;
  /** Whether no other environment was seen taking slots. If that still holds, more may be taken than are needed. */
  readonly alone: boolean;
  /** Whether all of them may be taken ahead of their time, since the caller is over its limit. */
  readonly ahead: boolean;
  /**
   * Epoch milliseconds. Called before each try, so that slots that others took meanwhile do not seem to be in the
   * future.
   */
  readonly now: () => number;
  /** Up to when slots were taken when the environment last saw the item. */
  readonly seenMs: number | undefined;
  /** What the last answer said. */
  readonly crowded: boolean;
}

interface LeaseAnswer {
  /** Up to when slots are taken now. */
  readonly takenUntilMs: number;
  /** The caller's slots start here; omitted if none could be taken. */
  readonly fromMs?: number;
  /** How many the caller has taken. */
  readonly slots?: number;
  /** Whether others take slots too, so that what was seen earlier is out of date. */
  readonly crowded: boolean;
}

/** Takes slots. @throws whatever the store throws */
export type LeaseSlots = (request: LeaseRequest) => Promise<LeaseAnswer>;

/** For reads, since a member waits. After this the caller goes on without a lease. */
const usualTimes: TimeLimit = { tryMs: 400, wholeMs: 1000 };
/** An item may be deleted an hour after its last slot: by then it only says that nothing is taken. */
const keptSeconds = 3600;
/**
 * A write that loses a race returns what the item holds, so the next try succeeds or finds the slots taken. More tries are
 * needed only if the item is deleted or damaged between two of them.
 */
const mostTries = 10;

/** Without an exponent; a microsecond is precise enough. */
const decimal = (ms: number): number => Number(ms.toFixed(3));

const lease = async (
  { client, name }: Table,
  options: LimitedCall,
  { key, rate, needed, slots, alone, ahead, now, seenMs, crowded }: Parameters<LeaseSlots>[0],
): ReturnType<LeaseSlots> => {
  const Key = writeItem(limitAttributes, { limitId: key });
  const oldestMs = decimal(boundsOf(rate, now()).oldestMs);
  const slotMs = slotMsOf(rate);
  const spareMs = ahead ? 0 : spareOf(rate) * slotMs;
  const boundsNow = (): Bounds => {
    const bounds = boundsOf(rate, now());
    return { ...bounds, oldestMs, latestMs: bounds.latestMs + spareMs };
  };

  const read = async (): Promise<number | undefined> => {
    const { Item = {} } = await client.send(
      new GetItemCommand({ TableName: name, Key, ConsistentRead: true }),
      options,
    );
    return readerOf(limitAttributes, Item)('takenUntilMs');
  };
  /** @returns up to when slots are taken, and whether the write was made */
  const write = async (change: Change<typeof limitAttributes>) => {
    try {
      const { Attributes = {} } = await client.send(
        new UpdateItemCommand({
          TableName: name,
          Key,
          ...updateOf(limitAttributes, change),
          ReturnValues: 'ALL_NEW',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
        options,
      );
      const takenUntilMs = readerOf(limitAttributes, Attributes)('takenUntilMs');
      if (takenUntilMs === undefined) throw new TypeError('an update that was made has no takenUntilMs');
      return { made: true, takenUntilMs };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      const { Item } = error;
      const found = Item === undefined ? await read() : readerOf(limitAttributes, Item)('takenUntilMs');
      return { made: false, takenUntilMs: found };
    }
  };

  let seen = seenMs;
  let found = false;
  // Others have taken an unknown number of slots since: a read is cheaper than a failed write.
  if (crowded && wayOf(seen, boundsNow()) === 'restart') {
    seen = await read();
    found = true;
  }
  for (let tries = 0; tries < mostTries; tries += 1) {
    const bounds = boundsNow();
    const way = wayOf(seen, bounds);
    if (way === 'wait') return { takenUntilMs: seen ?? now(), crowded: true };
    const lost = ahead || way === 'follow' ? 0 : Math.min(slots - 1, lostSlots(rate, seen, oldestMs));
    const free = seen === undefined ? 0 : Math.floor((now() + spareMs - seen) / slotMs);
    const more = alone && !found && way === 'follow' ? Math.min(slots, free) : 1 + lost;
    const count = ahead ? slots : Math.max(needed, more);
    const only = !ahead && way === 'follow' && count > needed ? seen : undefined;
    const lengthMs = decimal(count * slotMs);
    const fromMs = decimal(oldestMs - lost * slotMs);
    const written = { lengthMs, expiresAt: expiryOf(rate, now(), lengthMs) };
    const change = way === 'follow' ? follow(bounds, written, only) : restart(bounds, written, fromMs);
    const { made, takenUntilMs } = await write(change);
    if (made && takenUntilMs !== undefined) {
      const before = way === 'follow' ? takenUntilMs - lengthMs : found ? seen : seenMs;
      return {
        takenUntilMs,
        fromMs: takenUntilMs - lengthMs,
        slots: count,
        crowded: (before ?? 0) > (seenMs ?? 0) + 1,
      };
    }
    seen = takenUntilMs;
    found = true;
  }
  throw new Error(`the item of a limit changed between all ${mostTries} tries`);
};

/**
 * Leases slots from the table Limits: one conditional write if the environment knows up to when slots are taken, and
 * one more if others were faster. Which slots are lost is decided once, when the caller asks: otherwise callers that lost the
 * race to restart an idle limit would find its first slots lost again, and race to restart it again.
 */
export const leaseFromTable =
  (table: Table, times = usualTimes): LeaseSlots =>
  (asked) =>
    withTimeLimit(times, (options) => lease(table, options, asked));

/** How many slots before the oldest usable one were never taken; 0 if it is not known up to when slots were taken. */
const lostSlots = (rate: Rate, seenMs: number | undefined, oldestMs: number): number =>
  seenMs === undefined ? 0 : Math.max(0, Math.ceil((oldestMs - seenMs - roundingMs) / slotMsOf(rate)) - 1);

const expiryOf = (rate: Rate, nowMs: number, lengthMs: number): number => {
  const { oldestMs, latestMs } = boundsOf(rate, nowMs);
  return Math.ceil((latestMs + lengthMs) / 1000) + Math.ceil((latestMs - oldestMs) / 1000) + keptSeconds;
};

interface Written {
  readonly lengthMs: number;
  readonly expiresAt: number;
}

/** @param onlyMs up to when exactly slots must be taken; given if nobody else may have taken any since */
const follow = (
  bounds: Bounds,
  { lengthMs, expiresAt }: Written,
  onlyMs: number | undefined,
): Change<typeof limitAttributes> => {
  const someAreTaken = is('takenUntilMs', '>=', decimal(bounds.oldestMs));
  const notTooFarAhead = is('takenUntilMs', '<=', decimal(bounds.latestMs));
  return {
    increase: { takenUntilMs: lengthMs },
    set: { expiresAt },
    when: [onlyMs === undefined ? someAreTaken : is('takenUntilMs', '=', decimal(onlyMs)), notTooFarAhead],
  };
};

const restart = (bounds: Bounds, { lengthMs, expiresAt }: Written, fromMs: number): Change<typeof limitAttributes> => {
  const nothingIsTaken = anyOf(absent('takenUntilMs'), is('takenUntilMs', '<', fromMs));
  const damaged = is('takenUntilMs', '>', decimal(bounds.damagedMs));
  return {
    set: { takenUntilMs: decimal(fromMs + lengthMs), expiresAt },
    when: [anyOf(nothingIsTaken, damaged)],
  };
};

/** Leases slots from this environment's own memory, while the table is out of reach. */
export const leaseFromMemory = (): LeaseSlots => {
  const items = new Map<string, number>();
  return ({ key, rate, needed, slots, ahead, now }) => {
    const bounds = boundsOf(rate, now());
    const taken = items.get(key);
    const way = wayOf(taken, bounds);
    if (way === 'wait') return Promise.resolve({ takenUntilMs: taken ?? now(), crowded: false });
    const fromMs = way === 'follow' && taken !== undefined ? taken : bounds.oldestMs;
    const count = ahead ? slots : needed;
    const takenUntilMs = fromMs + count * slotMsOf(rate);
    items.set(key, takenUntilMs);
    return Promise.resolve({ takenUntilMs, fromMs, slots: count, crowded: false });
  };
};

/** Gives back the last slot that was taken, as if it had not been. @throws whatever the store throws */
export const returnSlot = async (
  { client, name }: Table,
  { key, rate }: { readonly key: string; readonly rate: Rate },
): Promise<void> => {
  const giveBack = new UpdateItemCommand({
    TableName: name,
    Key: writeItem(limitAttributes, { limitId: key }),
    ...updateOf(limitAttributes, {
      increase: { takenUntilMs: -decimal(slotMsOf(rate)) },
      when: [exists('takenUntilMs')],
    }),
  });
  await withTimeLimit(usualTimes, (options) => client.send(giveBack, options));
};
