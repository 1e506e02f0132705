import { pagesBetween, settlePages } from '../../bin/registry/settle-pages.ts';
import { readAll, readOne, type RegistryTable } from '../../bin/shared/registry-table.ts';
import { writeEntry } from '../../bin/shared/registry-writes.ts';
import { entriesOf, pagesOf } from '../../functions/shared/registry/entry-items.ts';
import { localData } from '../support/gateway.ts';
import { memoryDynamo } from '../support/memory-dynamo.ts';

const changed = { changedAt: 1_780_000_000, changedBy: 'one', reason: 'x' };
const { payers, partners } = localData();
const [first, ...others] = payers;
const renamed = { payers: [{ ...first!, displayName: 'New' }, ...others], partners };
const own = pagesBetween({ before: { payers, partners }, after: renamed });

const filled = async () => {
  const { client, items } = memoryDynamo();
  const table: RegistryTable = { client, name: 'Registry', wait: async () => {} };
  for (const [key, entry] of entriesOf({ payers, partners })) await writeEntry(table, key, undefined, entry, changed);
  const put = async (data: { payers: typeof payers }): Promise<void> => {
    const key = `payer#${first!.id}`;
    await writeEntry(table, key, await readOne(table, key), data.payers[0]!, changed);
  };
  const page = async () => (await readOne(table, [...own][0]!))?.entry;
  return { table, items, put, page };
};

/** The table, on which something happens after each scan. */
const afterScan = (table: RegistryTable, work: () => Promise<void>): RegistryTable => {
  const { client } = memoryDynamo();
  const send = table.client.send.bind(table.client) as (command: object) => Promise<object>;
  const sendThen = async (command: object): Promise<object> => {
    const answer = await send(command);
    if (command.constructor.name === 'ScanCommand') await work();
    return answer;
  };
  Object.assign(client, { send: sendThen });
  return { ...table, client };
};

describe('the pages of the registry', () => {
  it('do not depend on the order of payers and partners', () => {
    expect(pagesOf({ payers: payers.toReversed(), partners: partners.toReversed() })).toEqual(
      pagesOf({ payers, partners }),
    );
  });

  it('are made from the entries that the table holds, and are not written without need', async () => {
    const { table, put, page } = await filled();
    await put(renamed);
    await settlePages(table, own, changed);
    expect(await page()).toEqual(pagesOf(renamed).get([...own][0]!));

    const before = await readAll(table);
    await settlePages(table, new Set(), changed);
    expect(await readAll(table)).toEqual(before);
  });

  it('stay right if one who read the entries before the last change writes a page afterwards, and dies', async () => {
    const { table, put, page } = await filled();
    // The page already fits what comes next, so only a write that is not needed tells the other that it is late.
    await put(renamed);
    await settlePages(table, own, changed);
    await put({ payers });
    const dead = new Error('dead');
    let scans = 0;
    const late = afterScan(table, async () => {
      scans += 1;
      if (scans > 1) throw dead;
      await put(renamed);
      await settlePages(table, own, { ...changed, changedBy: 'other' });
    });

    await expect(settlePages(late, new Set(), changed)).rejects.toBe(dead);

    expect(await page()).toEqual(pagesOf(renamed).get([...own][0]!));
  });

  it('are given up, with what to do, if others change them again and again', async () => {
    const { table, put } = await filled();
    let turn = 0;
    const restless = afterScan(table, async () => {
      turn += 1;
      await put(turn % 2 === 1 ? renamed : { payers });
      await settlePages(table, own, { ...changed, changedBy: 'other' });
    });

    await expect(settlePages(restless, new Set(own), changed)).rejects.toThrow('Run apply again.');
  });
});
