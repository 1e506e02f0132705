import { hash } from 'node:crypto';
import { compareTexts } from '../compare-texts.ts';
import { parseObject, type JsonObject } from '../json/json-object.ts';
import { registryAttributes } from '../store/attributes.ts';
import { sha256 } from '../store/crypto.ts';
import { readerOf, writeItem, type Item, type StoredItem } from '../store/items.ts';
import { sendsMembers } from './profile.ts';
import type { Stop } from './stops.ts';
import type { Brand, Partner, Payer, RegistryData } from './types.ts';

/** What the directory says of a payer. */
export interface DirectoryEntry {
  readonly id: string;
  readonly displayName: string;
  readonly linesOfBusiness?: readonly string[];
  /** Absent from pages that were written before there were brands, until the next apply. */
  readonly brand?: Brand;
  /** Whether a member's identity token makes a grant there, without its sign-in. */
  readonly identity?: true;
  /** The client id of a partner that may read from it. One that asks its members itself comes first. */
  readonly partner?: string;
}

/** A page of the directory. */
export interface DirectoryPage {
  readonly entries: readonly DirectoryEntry[];
}

/** A page of the origins that browsers may call from (CORS). */
export interface OriginsPage {
  readonly origins: readonly string[];
}

/**
 * The directory and the origins have this many pages each: with 5,000 payers and all of their brands' fields, a page
 * has up to 210 KB of the 400 KB that an item may have.
 */
export const pageCount = 16;

/** The keys of the table's items. */
export const entryIds = {
  payer: (id: string): string => `payer#${id}`,
  partner: (clientId: string): string => `partner#${clientId}`,
  directoryPage: (page: number): string => `directory#${page}`,
  originsPage: (page: number): string => `origins#${page}`,
  /** Who applied a configuration last. */
  apply: 'apply',
  /** Which items the newest code that was deployed writes. */
  dataVersion: 'dataVersion',
} as const;

/** The page of a payer's id or of an origin. It never changes, so no entry is on its way from page to page. */
export const pageOf = (key: string): number => hash('sha256', key, 'buffer').readUInt8(0) % pageCount;

/** Who changed an entry, and why. */
export interface Changed {
  /** Epoch seconds. */
  readonly changedAt: number;
  /** An AWS identity. */
  readonly changedBy: string;
  readonly reason: string;
}

/** An item of the table, read. */
export interface StoredEntry<Entry> extends Partial<Changed> {
  /** Counts the item's writes. */
  readonly version: number;
  /** Undefined if the entry was removed, or if the item is damaged. */
  readonly entry: Entry | undefined;
  /** Whether someone changed the item by hand, so that nothing in it can be relied on. */
  readonly damaged: boolean;
  /** SHA-256 of the entry's text, if there is an entry. */
  readonly digest: string | undefined;
  readonly stop: Stop | undefined;
}

/** An entry and its digest, as they are stored. */
export const writeEntryText = (entry: object): { readonly entry: string; readonly digest: string } => {
  const text = JSON.stringify(entry);
  return { entry: text, digest: sha256(text) };
};

const hasList = (entry: JsonObject, name: string): boolean => Array.isArray(entry[name]);

/** Whether an entry belongs under its key: an item that was copied to another key has a digest that fits. */
const belongsTo = (entryId: string, entry: JsonObject): boolean => {
  if (entryId.startsWith('payer#')) return entryIds.payer(String(entry['id'])) === entryId;
  if (entryId.startsWith('partner#')) return entryIds.partner(String(entry['clientId'])) === entryId;
  if (entryId.startsWith('directory#')) return hasList(entry, 'entries');
  return !entryId.startsWith('origins#') || hasList(entry, 'origins');
};

/** What a tool wrote has a version of at least 1, and an entry and its digest or neither. Anything else is by hand. */
const readSound = (item: StoredItem): { readonly entry?: JsonObject } | undefined => {
  const read = readerOf(registryAttributes, item);
  const [text, digest, version = 0] = [read('entry'), read('digest'), read('version')];
  if (!Number.isSafeInteger(version) || version < 1) return undefined;
  if (item['entry'] === undefined && item['digest'] === undefined) return {};
  if (text === undefined) return undefined;
  const entry = digest === sha256(text) ? parseObject(text) : undefined;
  return entry !== undefined && belongsTo(String(read('entryId')), entry) ? { entry } : undefined;
};

/** Reads an item. One that was changed by hand counts as damaged, and its entry as unknown. It never throws. */
export const readEntryItem = <Entry>(item: StoredItem): StoredEntry<Entry> => {
  const read = readerOf(registryAttributes, item);
  const stop = read('stop');
  const sound = readSound(item);
  return {
    version: read('version') ?? 0,
    entry: sound?.entry as Entry | undefined,
    damaged: sound === undefined,
    digest: sound?.entry === undefined ? undefined : read('digest'),
    stop: item['stop'] === undefined ? undefined : readStop(stop),
    changedAt: read('changedAt'),
    changedBy: read('changedBy'),
    reason: read('reason'),
  };
};

/** A stop whose parts were damaged by hand still stops. */
const readStop = (stop: { readonly [Part in keyof Stop]?: Stop[Part] | undefined } = {}): Stop => ({
  at: stop.at ?? 0,
  until: stop.until,
  by: stop.by ?? '',
  reason: stop.reason ?? '',
});

const probeOf = (partners: readonly Partner[]): string | undefined => {
  const allowed = partners.filter(sendsMembers);
  return (allowed.find(({ consent }) => consent === 'partner') ?? allowed[0])?.clientId;
};

/** What the directory says of a payer, given the partners that may read from it. */
export const directoryEntryOf = (payer: Payer, partners: readonly Partner[]): DirectoryEntry => {
  const { id, displayName, linesOfBusiness, brand, identitySignIn } = payer;
  const partner = probeOf(partners);
  return {
    id,
    displayName,
    ...(linesOfBusiness === undefined ? {} : { linesOfBusiness }),
    ...(brand === undefined ? {} : { brand }),
    ...(identitySignIn === undefined ? {} : { identity: true as const }),
    ...(partner === undefined ? {} : { partner }),
  };
};

/**
 * For each payer the partner that the directory names. Pairs of payers and partners may be millions, so no list of them
 * is made.
 */
const probesOf = (partners: readonly Partner[]): ReadonlyMap<string, readonly [Partner]> => {
  const probes = new Map<string, readonly [Partner]>();
  for (const partner of partners.filter(sendsMembers)) {
    for (const payerId of partner.payers) {
      const [known] = probes.get(payerId) ?? [];
      if (known === undefined || (known.consent !== 'partner' && partner.consent === 'partner')) {
        probes.set(payerId, [partner]);
      }
    }
  }
  return probes;
};

const numbers = Array.from({ length: pageCount }, (_, page) => page);

/**
 * The pages that are made from payers and partners, by their keys; empty ones too. They do not depend on the order of
 * either.
 */
export const pagesOf = ({
  payers,
  partners,
}: Pick<RegistryData, 'payers' | 'partners'>): ReadonlyMap<string, DirectoryPage | OriginsPage> => {
  const probes = probesOf(partners.toSorted((a, b) => compareTexts(a.clientId, b.clientId)));
  const entries = payers
    .toSorted((a, b) => compareTexts(a.id, b.id))
    .map((payer) => directoryEntryOf(payer, probes.get(payer.id) ?? []));
  const origins = [...new Set(partners.flatMap(({ webOrigins }) => webOrigins))].toSorted();
  const entriesByPage = Map.groupBy(entries, ({ id }) => pageOf(id));
  const originsByPage = Map.groupBy(origins, pageOf);
  return new Map<string, DirectoryPage | OriginsPage>([
    ...numbers.map((page) => [entryIds.directoryPage(page), { entries: entriesByPage.get(page) ?? [] }] as const),
    ...numbers.map((page) => [entryIds.originsPage(page), { origins: originsByPage.get(page) ?? [] }] as const),
  ]);
};

/** Every entry and page of a registry by key, in the order in which they are written: pages last. */
export const entriesOf = (data: Pick<RegistryData, 'payers' | 'partners'>): ReadonlyMap<string, object> =>
  new Map<string, object>([
    ...data.payers.map((payer) => [entryIds.payer(payer.id), payer] as const),
    ...data.partners.map((partner) => [entryIds.partner(partner.clientId), partner] as const),
    ...pagesOf(data),
  ]);

/** The item of a new entry, at version 1. */
export const newEntryItem = (entryId: string, entry: object, changed: Changed): Item =>
  writeItem(registryAttributes, { entryId, version: 1, ...writeEntryText(entry), ...changed });
