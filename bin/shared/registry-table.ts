import { setTimeout as after } from 'node:timers/promises';
import { DynamoDBClient, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { STSClient } from '@aws-sdk/client-sts';
import type { StageConfig } from '../../config/stage.ts';
import { GatewayError } from '../../functions/shared/errors.ts';
import { entryIds, readEntryItem, type StoredEntry } from '../../functions/shared/registry/entry-items.ts';
import { registryAttributes } from '../../functions/shared/store/attributes.ts';
import type { Table } from '../../functions/shared/store/dynamo.ts';
import { readerOf, writeItem, type Item } from '../../functions/shared/store/items.ts';
import { awsSettings, explainAwsFailure } from './aws.ts';
import { callerOf, type Caller } from './caller.ts';
import { Refusal } from './errors.ts';
import { findTable } from './find-table.ts';
import type { Wait } from './patience.ts';
import { readItem } from './read-item.ts';
import { scanPages } from './scan-pages.ts';

/** The table Registry, as tools use it. */
export interface RegistryTable extends Table {
  /** Waits before a call is repeated. */
  readonly wait: Wait;
}

/** An item of the table as it was read. A write of it succeeds only if nobody has written it since. */
export interface ReadEntry extends StoredEntry<unknown> {
  readonly entryId: string;
  /** The version as it is stored, whatever its type; undefined if someone removed it by hand. */
  readonly seen: AttributeValue | undefined;
  readonly digest: string | undefined;
  /** Of the item `apply`: the mark of who is applying, and how often they have said that they still are. */
  readonly heldBy?: string | undefined;
  readonly beat?: number | undefined;
}

/** Whether an item has an entry, readable or not. One that was removed leaves its item. */
export const isThere = ({ entry, damaged }: Pick<ReadEntry, 'entry' | 'damaged'>): boolean =>
  entry !== undefined || damaged;

const readEntryOf = (item: Item): ReadEntry => {
  const read = readerOf(registryAttributes, item);
  return {
    ...readEntryItem<unknown>(item),
    entryId: read('entryId') ?? '',
    seen: item['version'],
    digest: read('digest'),
    heldBy: read('heldBy'),
    beat: read('beat'),
  };
};

/** Reads one item, strongly consistent. */
export const readOne = async (table: RegistryTable, entryId: string): Promise<ReadEntry | undefined> => {
  const item = await readItem(table, writeItem(registryAttributes, { entryId }));
  return item && readEntryOf(item);
};

/** Reads every item by its key, each strongly consistent: removed and damaged ones too. */
export const readAll = async (table: RegistryTable): Promise<ReadonlyMap<string, ReadEntry>> => {
  const found = new Map<string, ReadEntry>();
  for await (const { items } of scanPages(table))
    for (const entry of items.map(readEntryOf)) found.set(entry.entryId, entry);
  return found;
};

const directoryPages = entryIds.directoryPage(0).replace(/0$/, '');

/** Whether nothing was ever filled in or applied, as after a loss. What `restore stops` writes are no entries. */
export const isEmpty = (items: ReadonlyMap<string, ReadEntry>): boolean =>
  ![...items.values()].some(
    (item) => item.entryId.startsWith(directoryPages) || (/^(?:payer|partner)#/.test(item.entryId) && isThere(item)),
  );

/** What an empty registry means, and what to do. */
export const emptyWords = (stage: string): string =>
  `The registry of stage ${stage} is empty, so every partner and every member is refused. docs/restore.md says how to bring it back.`;

/** Reads every item. @throws Refusal if the registry is empty */
export const readFilled = async (table: RegistryTable, stage: string): Promise<ReadonlyMap<string, ReadEntry>> => {
  const items = await readAll(table);
  if (isEmpty(items)) throw new Refusal(emptyWords(stage));
  return items;
};

/** A stage's registry, opened by an operator. Close it in any case. */
export interface OpenRegistry {
  readonly table: RegistryTable;
  readonly operator: Caller;
  readonly close: () => void;
}

/** What a tool says about itself when it opens the registry. */
export interface OpenOptions {
  readonly environment: NodeJS.ProcessEnv;
  /** Names the caller to the local stack. */
  readonly tool: string;
  /** The table's name. @default the one in the stack */
  readonly name?: string | undefined;
  /** @default real time */
  readonly wait?: Wait;
}

/** The permissions that the tools need. */
const rights =
  'dynamodb:ListTables; dynamodb:GetItem, Scan and UpdateItem on the registry table; dynamodb:Scan on the grants table, ' +
  'and Query on the exchanges table, to count what would end; and use of their key';

/** Turns a known failure of a call to AWS into a Refusal; returns any other error unchanged. */
export const explainRegistryFailure = (error: unknown, { stage }: Pick<StageConfig, 'stage'>): unknown =>
  error instanceof GatewayError
    ? new Refusal(`A table cannot be used (${error.detail}). The tool needs ${rights}.`)
    : explainAwsFailure(error, { stage, service: 'AWS', rights });

/**
 * Opens a stage's registry in the name of whoever runs the tool.
 * @throws Refusal if there is no such table, or if the stage is in another account
 */
export const openRegistryTable = async (
  config: Pick<StageConfig, 'stage' | 'region' | 'account'>,
  { environment, tool, name, wait = after }: OpenOptions,
): Promise<OpenRegistry> => {
  const settings = awsSettings(config, environment, tool);
  const [client, sts] = [new DynamoDBClient(settings), new STSClient(settings)];
  const close = (): void => {
    client.destroy();
    sts.destroy();
  };
  try {
    const operator = await callerOf(sts, config);
    const table = { client, name: name ?? (await findTable(client, config.stage, 'Registry')), wait };
    return { table, operator, close };
  } catch (error) {
    close();
    throw explainRegistryFailure(error, config);
  }
};
