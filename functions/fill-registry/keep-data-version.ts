import { ConditionalCheckFailedException, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { dataVersion, dataVersionSince } from '../shared/registry/data-version.ts';
import { entryIds, newEntryItem, readEntryItem, type Changed } from '../shared/registry/entry-items.ts';
import { registryAttributes } from '../shared/store/attributes.ts';
import type { Table } from '../shared/store/dynamo.ts';
import { clausesOn, conditionOf } from '../shared/store/expressions.ts';
import { writeItem } from '../shared/store/items.ts';
import type { Outcome } from './answer.ts';
import { tryAgain, Unfinished, type Trying } from './try-again.ts';

const { absent, is } = clausesOn(registryAttributes);

/** The highest data version of the tables' items, and the release that wrote it first. */
interface Found {
  readonly number: number;
  readonly since: string;
}

interface Keeping extends Trying {
  readonly table: Table;
}

const key = { entryId: entryIds.dataVersion };

/** @returns undefined if no code that knows of data versions was deployed before */
const readFound = async (keeping: Keeping): Promise<Found | undefined> => {
  const { client, name } = keeping.table;
  const Key = writeItem(registryAttributes, key);
  const command = new GetItemCommand({ TableName: name, Key, ConsistentRead: true });
  const { Item: item } = await tryAgain(keeping, () => client.send(command));
  if (item === undefined) return undefined;
  const { entry, version } = readEntryItem<Partial<Found>>(item);
  if (entry?.number === undefined || entry.number !== version) {
    throw new Unfinished(
      `the item "${entryIds.dataVersion}" of the table Registry was changed by hand, so it is unknown which version wrote the tables. ` +
        'If that was this version or an older one, delete the item',
    );
  }
  return { number: entry.number, since: entry.since ?? 'a later version' };
};

const refusal = ({ number, since }: Found): Outcome => ({
  status: 'FAILED',
  reason:
    `Version ${since} of the gateway, or a later one, has written to this stage's tables (data version ${number}). ` +
    `The code of this deployment is older (data version ${dataVersion}) and may end or lose what was written. ` +
    `No table and no function that serves requests was changed. Deploy ${since} or later, or go back as docs/upgrade.md ` +
    `of ${since} says, with -c allowOlder=${number}.`,
});

const raise = async (keeping: Keeping, found: Found | undefined, by: Changed): Promise<void> => {
  const { client, name } = keeping.table;
  const entry = { number: dataVersion, since: dataVersionSince };
  // The number is also the item's version, so that it never falls.
  const item = { ...newEntryItem(entryIds.dataVersion, entry, by), version: { N: String(dataVersion) } };
  const asRead = conditionOf(found === undefined ? absent('entryId') : is('version', '=', found.number));
  try {
    await tryAgain(keeping, () => client.send(new PutItemCommand({ TableName: name, Item: item, ...asRead })));
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    // A put whose answer was lost: CloudFormation deploys a stack once at a time.
    if ((await readFound(keeping))?.number !== dataVersion) throw new Unfinished('another deployment was faster');
  }
};

/**
 * Lets a deployment go on if this code is not older than what the tables hold, and keeps its data version there.
 * @param mayRun whether, and why, older code may run over that data version
 * @throws Unfinished
 */
export const keepDataVersion = async (
  keeping: Keeping,
  mayRun: (number: number) => string | undefined,
  by: Omit<Changed, 'reason'>,
): Promise<Outcome> => {
  const found = await readFound(keeping);
  if (found !== undefined && found.number > dataVersion) {
    const why = mayRun(found.number);
    if (why === undefined) return refusal(found);
    return { status: 'SUCCESS', reason: `Data version ${dataVersion} runs over ${found.number}, ${why}.` };
  }
  if (found?.number !== dataVersion) {
    await raise(keeping, found, { ...by, reason: `deployment of version ${dataVersionSince} or later` });
  }
  return { status: 'SUCCESS', reason: `The tables have data version ${dataVersion}.` };
};
