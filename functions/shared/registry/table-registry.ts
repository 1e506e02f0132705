import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import type { Clock } from '../clock.ts';
import { causeOf, unavailable, type Signal } from '../errors.ts';
import type { WriteLog } from '../metrics/metrics.ts';
import { embeddedMetrics } from '../metrics/metrics.ts';
import { registryAttributes } from '../store/attributes.ts';
import type { Table } from '../store/dynamo.ts';
import { writeItem } from '../store/items.ts';
import { withTimeLimit } from '../store/time-limit.ts';
import { limitDirectory, versionOf, type Directory } from './directory.ts';
import {
  entryIds,
  pageCount,
  pageOf,
  readEntryItem,
  type DirectoryPage,
  type OriginsPage,
  type StoredEntry,
} from './entry-items.ts';
import { keptReads } from './kept-reads.ts';
import type { Registry } from './registry.ts';
import { blockedPartner, isBlocked, isPaused, pausedPayer } from './stops.ts';
import type { Lifetimes, Partner, Payer } from './types.ts';

/** What a registry in a table needs. */
export interface TableRegistryDeps {
  readonly table: Table;
  readonly clock: Clock;
  readonly writeLog: WriteLog;
  readonly stage: string;
  readonly lifetimes: Lifetimes;
}

/** Limits of one try and of all, in milliseconds: a connection that hangs leaves time for another. */
const times = { tryMs: 1000, wholeMs: 2500 };

/** What can be an id, as the configuration requires: no other name costs a read. */
const isName = (text: string): boolean => /^[a-z0-9-]{1,64}$/.test(text);

/** An item, and the characters of its JSON. */
interface ReadItem {
  readonly stored: StoredEntry<unknown>;
  readonly characters: number;
}

/**
 * Payers and partners in the table Registry, read by key, strongly consistent. Each is kept for twenty seconds, and for
 * five minutes while the table cannot be read.
 */
export const tableRegistry = ({ table, clock, writeLog, stage, lifetimes }: TableRegistryDeps): Registry => {
  const tell = (detail: string, signal: Signal): string => {
    writeLog(
      JSON.stringify({
        level: 'error',
        time: new Date(clock.now()).toISOString(),
        detail,
        ...embeddedMetrics(stage, clock.now(), [{ dimensions: [[]], metrics: { [signal]: 1 } }]),
      }),
    );
    return detail;
  };

  const tellBad = (entryId: string, how: 'damaged' | 'missing'): string =>
    tell(`registry: ${entryId} is ${how}`, 'registryDamaged');

  const read = async (entryId: string): Promise<ReadItem | undefined> => {
    const get = new GetItemCommand({
      TableName: table.name,
      Key: writeItem(registryAttributes, { entryId }),
      ConsistentRead: true,
    });
    const { Item } = await withTimeLimit(times, (options) => table.client.send(get, options));
    if (Item === undefined) {
      // Every page is written when a stage is deployed for the first time, and none is ever removed.
      if (/^(?:directory|origins)#/.test(entryId)) tellBad(entryId, 'missing');
      return undefined;
    }
    const stored = readEntryItem<unknown>(Item);
    // Once per read. The requests that it refuses say so in their own lines.
    if (stored.damaged) tellBad(entryId, 'damaged');
    return { stored, characters: Item['entry']?.S?.length ?? 0 };
  };

  const find = keptReads({
    read,
    weigh: ({ characters }) => characters,
    clock,
    onFailure: (error) => void tell(`registry: ${causeOf(error)}`, 'registryDown'),
  });

  const require = async (entryId: string): Promise<StoredEntry<unknown> | undefined> => {
    try {
      return (await find(entryId))?.stored;
    } catch (error) {
      throw unavailable(`registry: ${causeOf(error)}`);
    }
  };

  const now = (): number => clock.now() / 1000;

  const requireSound = async (entryId: string, isListed = false): Promise<StoredEntry<unknown> | undefined> => {
    const stored = await require(entryId);
    // A removed entry still has its item.
    if (isListed && stored === undefined) throw unavailable(tellBad(entryId, 'missing'));
    if (stored?.damaged === true) throw unavailable(`registry: ${entryId} is damaged`);
    return stored;
  };

  /** A page that cannot be used counts as empty: the others serve. */
  const page = require as <Page>(entryId: string) => Promise<StoredEntry<Page> | undefined>;

  const wholeDirectory = async (): Promise<Directory> => {
    const pages = await Promise.all(
      Array.from({ length: pageCount }, (_, number) => page<DirectoryPage>(entryIds.directoryPage(number))),
    );
    return {
      entries: pages.flatMap((one) => one?.entry?.entries ?? []),
      version: versionOf(pages.map((one) => one?.digest)),
      changedAt: Math.max(0, ...pages.map((one) => one?.changedAt ?? 0)),
      isWhole: pages.every((one) => one?.entry !== undefined),
    };
  };

  return {
    stage,
    lifetimes,
    payer: async (id, { evenIfPaused = false, isListed } = {}) => {
      if (!isName(id)) return undefined;
      const { entry, stop } = (await requireSound(entryIds.payer(id), isListed)) ?? {};
      if (entry !== undefined && !evenIfPaused && isPaused(stop, now())) throw pausedPayer(stop, now());
      return entry as Payer | undefined;
    },
    partner: async (clientId, { evenIfBlocked = false, isListed } = {}) => {
      if (!isName(clientId)) return undefined;
      const { entry, stop } = (await requireSound(entryIds.partner(clientId), isListed)) ?? {};
      if (entry !== undefined && !evenIfBlocked && isBlocked(stop)) throw blockedPartner();
      return entry as Partner | undefined;
    },
    directory: async (clientId) => {
      if (clientId === undefined) return wholeDirectory();
      const [directory, partner] = await Promise.all([
        wholeDirectory(),
        isName(clientId) ? requireSound(entryIds.partner(clientId)) : undefined,
      ]);
      const { entry, changedAt = 0 } = partner ?? {};
      return limitDirectory(directory, (entry as Partner | undefined) ?? { payers: [] }, changedAt);
    },
    isWebOrigin: async (origin) => {
      const origins = await page<OriginsPage>(entryIds.originsPage(pageOf(origin)));
      return origins?.entry?.origins.includes(origin) ?? false;
    },
  };
};
