import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { causeOf } from '../shared/errors.ts';
import type { Connection } from '../shared/payer/connect.ts';
import { driftLine, driftOf } from '../shared/payer/drift.ts';
import type { PayerHttp } from '../shared/payer/http.ts';
import type { DirectoryEntry } from '../shared/registry/entry-items.ts';
import { isPayerPaused } from '../shared/registry/require-payer.ts';
import { limitAttributes } from '../shared/store/attributes.ts';
import { sha256 } from '../shared/store/crypto.ts';
import type { Table } from '../shared/store/dynamo.ts';
import { readerOf, writeItem } from '../shared/store/items.ts';
import { userAgent, type CanaryDeps } from './ask.ts';
import { writeDrift } from './report.ts';
import { intervalMs } from './sample.ts';

/** What looking for drift depends on. */
export interface DriftWatchDeps extends CanaryDeps {
  readonly connect: (url: URL) => Promise<Connection>;
}

const runsPerDay = 86_400_000 / intervalMs;

/**
 * Whether a payer is compared in the run that was due at this time: once a day, each payer at a time of its own.
 * @param atMs epoch milliseconds
 */
export const isTurn = ({ id }: Pick<DirectoryEntry, 'id'>, atMs: number): boolean =>
  Buffer.from(sha256(id), 'base64url').readUInt32BE() % runsPerDay === Math.floor(atMs / intervalMs) % runsPerDay;

const limitId = (payer: string): string => `drift#${payer}`;

/** What is kept of a payer from one day to the next. */
interface Seen {
  /** What was reported the day before: hashes of lines. */
  readonly seen: readonly string[];
  /** How many days running something could not be read. */
  readonly unreadDays: number;
}

const readSeen = async ({ client, name }: Table, payer: string): Promise<Seen> => {
  const get = new GetItemCommand({
    TableName: name,
    Key: writeItem(limitAttributes, { limitId: limitId(payer) }),
    ConsistentRead: true,
  });
  const { Item = {} } = await client.send(get);
  const read = readerOf(limitAttributes, Item);
  return { seen: read('seenDrift') ?? [], unreadDays: read('unreadDays') ?? 0 };
};

/** An item that no run has renewed for a week is of a payer that is gone. */
const keptSeconds = 7 * 86_400;

/** Keeps what is reported. */
export const keepSeen = (
  { client, name }: Table,
  payer: string,
  { seen, unreadDays }: Seen,
  nowMs: number,
): Promise<unknown> => {
  const expiresAt = Math.ceil(nowMs / 1000) + keptSeconds;
  // DynamoDB has no empty sets.
  const seenDrift = seen.length === 0 ? undefined : seen;
  const item = writeItem(limitAttributes, {
    limitId: limitId(payer),
    seenDrift,
    unreadDays: unreadDays || undefined,
    expiresAt,
  });
  return client.send(new PutItemCommand({ TableName: name, Item: item }));
};

/** Documents that could not be read on this many days in a row are reported once. A single failed night is not. */
const unreadDaysReported = 3;

/** 96 bits of a line: enough to tell it from a payer's others. */
const hashOf = (line: string): string => sha256(line).slice(0, 16);

const named =
  (http: PayerHttp): PayerHttp =>
  (url, init = {}) =>
    http(url, { ...init, headers: { ...init.headers, 'User-Agent': userAgent } });

/**
 * Compares what a payer publishes with its profile, and writes a line and a signal for each difference that the day before
 * did not have. While something of the payer's cannot be read, what was reported stays reported; on the third day a line says
 * what it is. Never throws: a line says what could not be done.
 */
export const watchDrift = async (
  deps: DriftWatchDeps,
  { id, partner }: DirectoryEntry,
  requestId: string,
): Promise<void> => {
  const { registry, clock, limits, http, connect, writeLog } = deps;
  try {
    const payer = partner === undefined ? undefined : await registry.payer(id, { evenIfPaused: true });
    if (payer === undefined || (await isPayerPaused(registry, id))) return;
    const { differences, unread } = await driftOf({ http: named(http), connect, now: clock.now }, payer);
    const { seen, unreadDays: unreadBefore } = await readSeen(limits, id);
    const unreadDays = unread.length === 0 ? 0 : unreadBefore + 1;
    const lines = new Map(differences.map(driftLine).map((line) => [hashOf(line), line]));
    for (const [hash, line] of lines)
      if (!seen.includes(hash)) writeDrift(deps, { requestId, payer: id, difference: line });
    if (unreadDays === unreadDaysReported) {
      const difference = `not compared for ${unreadDays} days: ${unread.join('; ')}`;
      writeDrift(deps, { requestId, payer: id, difference });
    }
    const kept = [...new Set([...lines.keys(), ...(unread.length === 0 ? [] : seen)])];
    if (kept.length > 0 || seen.length > 0 || unreadDays > 0 || unreadBefore > 0) {
      await keepSeen(limits, id, { seen: kept, unreadDays }, clock.now());
    }
  } catch (error) {
    const time = new Date(clock.now()).toISOString();
    const detail = `not compared with its profile: ${causeOf(error)}`;
    writeLog(JSON.stringify({ level: 'error', time, requestId, function: 'canary', payer: id, detail }));
  }
};
