import { ConditionalCheckFailedException, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { limitAttributes } from './attributes.ts';
import { grantsToOpen, isMarked, usualTimes, type Breaker, type BreakerTimes, type Mark } from './breaker-item.ts';
import type { Table } from './dynamo.ts';
import { allOf, anyOf, clausesOn, updateOf, type Change, type Clause } from './expressions.ts';
import { readerOf, writeItem, type StoredItem } from './items.ts';
import { withTimeLimit, type LimitedCall } from './time-limit.ts';

/** Time limits of one try and of a whole call, in milliseconds. After that the caller goes on without the breaker. */
const limit = { tryMs: 400, wholeMs: 1000 };
/** How long an item without traffic is kept: by then a closed breaker and a half-open one mean the same. */
const keptSeconds = 3600;

const { absent, exists, is, hasFewerThan } = clausesOn(limitAttributes);

/** The item has not changed since it was read. */
const isStill = (attribute: 'lateSinceMs' | 'openUntilMs' | 'probeUntilMs', value: number | undefined): Clause =>
  value === undefined ? absent(attribute) : is(attribute, '=', value);

const keyOf = (payer: string) => writeItem(limitAttributes, { limitId: `breaker#${payer}` });
const expiresAt = (untilMs: number): number => Math.ceil(untilMs / 1000) + keptSeconds;
const inTime = <T>(send: (options: LimitedCall) => Promise<T>): Promise<T> => withTimeLimit(limit, send);

const breakerOf = (item: StoredItem): Breaker => {
  const read = readerOf(limitAttributes, item);
  return {
    lateSinceMs: read('lateSinceMs'),
    lateGrants: read('lateGrants') ?? [],
    latePartners: read('latePartners') ?? [],
    openUntilMs: read('openUntilMs'),
    openForMs: read('openForMs'),
    probeBy: read('probeBy'),
    probeUntilMs: read('probeUntilMs'),
  };
};

/**
 * Reads a breaker.
 * @param consistent whether a decision follows; a look need not be
 * @throws whatever DynamoDB throws
 */
export const readBreaker = async (
  { client, name }: Table,
  payer: string,
  { consistent }: { readonly consistent: boolean },
): Promise<Breaker> => {
  const get = new GetItemCommand({ TableName: name, Key: keyOf(payer), ConsistentRead: consistent });
  const { Item = {} } = await inTime((options) => client.send(get, options));
  return breakerOf(Item);
};

/** Returns the breaker as written, or undefined if it is no longer as it was read. */
const update = async (
  { client, name }: Table,
  payer: string,
  change: Change<typeof limitAttributes>,
): Promise<Breaker | undefined> => {
  try {
    const command = new UpdateItemCommand({
      TableName: name,
      Key: keyOf(payer),
      ...updateOf(limitAttributes, change),
      ReturnValues: 'ALL_NEW',
    });
    const { Attributes = {} } = await inTime((options) => client.send(command, options));
    return breakerOf(Attributes);
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
};

/** Adds a late call's marks, or begins a new window with them. */
export const markLate = (
  table: Table,
  payer: string,
  breaker: Breaker,
  { grant, partner }: Mark,
  nowMs: number,
  times: BreakerTimes,
): Promise<Breaker | undefined> => {
  const unchanged = [isStill('lateSinceMs', breaker.lateSinceMs), absent('openUntilMs')];
  const set = { expiresAt: expiresAt(nowMs + times.windowMs) };
  if (!isMarked(breaker, nowMs, times)) {
    const marks = { lateSinceMs: nowMs, lateGrants: [grant], latePartners: [partner] };
    return update(table, payer, { set: { ...set, ...marks }, when: unchanged });
  }
  const moreGrants = breaker.lateGrants.length < grantsToOpen;
  const include = { latePartners: partner, ...(moreGrants ? { lateGrants: grant } : {}) };
  const fewGrants = moreGrants ? [hasFewerThan('lateGrants', grantsToOpen)] : [];
  return update(table, payer, { set, include, when: [...unchanged, ...fewGrants] });
};

/** Opens a breaker, unless something has answered since it was read. */
export const openBreaker = (
  table: Table,
  payer: string,
  { lateSinceMs }: Breaker,
  nowMs: number,
  { firstOpenMs: openForMs }: BreakerTimes,
): Promise<Breaker | undefined> =>
  update(table, payer, {
    set: { openUntilMs: nowMs + openForMs, openForMs, expiresAt: expiresAt(nowMs + openForMs) },
    when: [exists('limitId'), isStill('lateSinceMs', lateSinceMs), absent('openUntilMs')],
  });

/**
 * Opens a breaker because the canary got no answer. One that is open stays as it is, and one that is half-open opens
 * again. Returns whether it was opened.
 */
export const openForCanary = async (
  table: Table,
  payer: string,
  nowMs: number,
  { firstOpenMs: openForMs }: BreakerTimes = usualTimes,
): Promise<boolean> => {
  const isOver = is('openUntilMs', '<=', nowMs);
  const set = { openUntilMs: nowMs + openForMs, openForMs, expiresAt: expiresAt(nowMs + openForMs) };
  return (await update(table, payer, { set, when: [anyOf(absent('openUntilMs'), isOver)] })) !== undefined;
};

/** Makes a call the probe of a half-open breaker. Of several, one wins. */
export const takeProbe = (
  table: Table,
  payer: string,
  { openUntilMs, probeUntilMs }: Breaker,
  probe: { readonly by: string; readonly untilMs: number },
): Promise<Breaker | undefined> => {
  const asRead = allOf(isStill('openUntilMs', openUntilMs), isStill('probeUntilMs', probeUntilMs));
  // The SDK's own retry after a lost answer.
  const isOurs = is('probeBy', '=', probe.by);
  return update(table, payer, {
    set: { probeBy: probe.by, probeUntilMs: probe.untilMs, expiresAt: expiresAt(probe.untilMs) },
    when: [exists('openUntilMs'), anyOf(asRead, isOurs)],
  });
};

/** Keeps a breaker open because its probe is late: for twice as long as before. */
export const reopenBreaker = (
  table: Table,
  payer: string,
  { openForMs = 0 }: Breaker,
  probe: { readonly by: string; readonly nowMs: number },
  { firstOpenMs, longestOpenMs }: BreakerTimes,
): Promise<Breaker | undefined> => {
  const next = Math.min(longestOpenMs, Math.max(firstOpenMs, 2 * openForMs));
  const untilMs = probe.nowMs + next;
  return update(table, payer, {
    set: { openUntilMs: untilMs, openForMs: next, expiresAt: expiresAt(untilMs) },
    when: [exists('openUntilMs'), is('probeBy', '=', probe.by)],
  });
};

/** Lets another call be the probe. */
export const releaseProbe = (table: Table, payer: string, by: string): Promise<Breaker | undefined> =>
  update(table, payer, { remove: ['probeBy', 'probeUntilMs'], when: [exists('limitId'), is('probeBy', '=', by)] });

/** Closes a breaker and forgets its marks, since the payer has answered. */
export const closeBreaker = (table: Table, payer: string): Promise<Breaker | undefined> =>
  update(table, payer, {
    remove: ['lateSinceMs', 'lateGrants', 'latePartners', 'openUntilMs', 'openForMs', 'probeBy', 'probeUntilMs'],
    when: [anyOf(exists('lateSinceMs'), exists('openUntilMs'))],
  });
