import { ConditionalCheckFailedException, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { limitAttributes } from '../store/attributes.ts';
import type { Table } from '../store/dynamo.ts';
import { anyOf, clausesOn, updateOf, type Change } from '../store/expressions.ts';
import { readerOf, writeItem } from '../store/items.ts';
import { boundsOf, slotMsOf, wayOf, type Bounds, type Rate } from './slots.ts';

const { absent, is } = clausesOn(limitAttributes);

/** A request for slots of a limit. */
interface LeaseRequest {
  /** Whose limit, such as `partner#demo-app`. */
  readonly key: string;
  readonly rate: Rate;
  readonly slots: number;
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
  /** Whether others take slots too, so that what was seen earlier is out of date. */
  readonly crowded: boolean;
}

/** Takes slots. @throws whatever the store throws */
export type LeaseSlots = (request: LeaseRequest) => Promise<LeaseAnswer>;

/** How long a lease may take, in milliseconds. */
interface LeaseTimes {
  readonly tryMs: number;
  readonly wholeMs: number;
}

/** For reads, since a member waits. After this the caller goes on without a lease. */
const usualTimes: LeaseTimes = { tryMs: 400, wholeMs: 1000 };
/** An item may be deleted an hour after its last slot: by then it only says that nothing is taken. */
const keptSeconds = 3600;
/** Others can interfere twice. After that the limit is crowded, and a refusal is right. */
const mostTries = 3;

/** Without an exponent; a microsecond is precise enough. */
const decimal = (ms: number): number => Number(ms.toFixed(3));

/**
 * Leases slots from the table Limits: one conditional write if the environment knows up to when slots are taken, and
 * after a failed write one read and one more write.
 */
export const leaseFromTable =
  ({ client, name }: Table, { tryMs, wholeMs } = usualTimes): LeaseSlots =>
  async ({ key, rate, slots, now, seenMs, crowded }) => {
    const signal = AbortSignal.timeout(wholeMs);
    const options = { requestTimeout: tryMs, abortSignal: signal };
    const Key = writeItem(limitAttributes, { limitId: key });
    const lengthMs = decimal(slots * slotMsOf(rate));

    const write = async (way: 'follow' | 'restart', bounds: Bounds): Promise<number | undefined> => {
      try {
        const { Attributes = {} } = await client.send(
          new UpdateItemCommand({
            TableName: name,
            Key,
            ...updateOf(limitAttributes, changeOf(way, bounds, lengthMs)),
            ReturnValues: 'ALL_NEW',
          }),
          options,
        );
        const takenUntilMs = readerOf(limitAttributes, Attributes)('takenUntilMs');
        if (takenUntilMs === undefined) throw new TypeError('an update that was made has no takenUntilMs');
        return takenUntilMs;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return undefined;
        throw error;
      }
    };
    const read = async (): Promise<number | undefined> => {
      const { Item = {} } = await client.send(
        new GetItemCommand({ TableName: name, Key, ConsistentRead: true }),
        options,
      );
      return readerOf(limitAttributes, Item)('takenUntilMs');
    };

    let seen = seenMs;
    let found = false;
    // Others have taken an unknown number of slots since: a read is cheaper than a failed write.
    if (crowded && wayOf(seen, boundsOf(rate, now())) === 'restart') {
      seen = await read();
      found = true;
    }
    for (let tries = 0; tries < mostTries; tries += 1) {
      const bounds = boundsOf(rate, now());
      const way = wayOf(seen, bounds);
      if (way === 'wait') break;
      const takenUntilMs = await write(way, bounds);
      if (takenUntilMs !== undefined) {
        const fromMs = takenUntilMs - lengthMs;
        const before = way === 'follow' ? fromMs : found ? seen : seenMs;
        return { takenUntilMs, fromMs, crowded: (before ?? 0) > (seenMs ?? 0) + 1 };
      }
      seen = await read();
      found = true;
    }
    return { takenUntilMs: seen ?? now(), crowded: true };
  };

const changeOf = (
  way: 'follow' | 'restart',
  { oldestMs, latestMs, damagedMs }: Bounds,
  lengthMs: number,
): Change<typeof limitAttributes> => {
  const expiresAt = Math.ceil((latestMs + lengthMs) / 1000) + Math.ceil((latestMs - oldestMs) / 1000) + keptSeconds;
  if (way === 'follow') {
    const someAreTaken = is('takenUntilMs', '>=', decimal(oldestMs));
    const notTooFarAhead = is('takenUntilMs', '<=', decimal(latestMs));
    return { increase: { takenUntilMs: lengthMs }, set: { expiresAt }, when: [someAreTaken, notTooFarAhead] };
  }
  const nothingIsTaken = anyOf(absent('takenUntilMs'), is('takenUntilMs', '<', decimal(oldestMs)));
  const damaged = is('takenUntilMs', '>', decimal(damagedMs));
  return { set: { takenUntilMs: decimal(oldestMs + lengthMs), expiresAt }, when: [anyOf(nothingIsTaken, damaged)] };
};

/** Leases slots from this environment's own memory, while the table is out of reach. */
export const leaseFromMemory = (): LeaseSlots => {
  const items = new Map<string, number>();
  return ({ key, rate, slots, now }) => {
    const bounds = boundsOf(rate, now());
    const taken = items.get(key);
    const way = wayOf(taken, bounds);
    if (way === 'wait') return Promise.resolve({ takenUntilMs: taken ?? now(), crowded: false });
    const fromMs = way === 'follow' && taken !== undefined ? taken : bounds.oldestMs;
    const takenUntilMs = fromMs + slots * slotMsOf(rate);
    items.set(key, takenUntilMs);
    return Promise.resolve({ takenUntilMs, fromMs, crowded: false });
  };
};
