import { readOne, type RegistryTable } from '../../bin/shared/registry-table.ts';
import { writeEntry } from '../../bin/shared/registry-writes.ts';
import { endNow, stopNow } from '../../bin/shared/stop-entry.ts';
import { isPaused } from '../../functions/shared/registry/stops.ts';
import { memoryDynamo } from '../support/memory-dynamo.ts';

const id = 'partner#app';
const changed = { changedAt: 1_780_000_000, changedBy: 'arn:aws:iam::111122223333:user/apply', reason: 'apply' };
const stop = { at: 1_780_000_100, by: 'arn:aws:iam::111122223333:user/stop', reason: 'a leak' };
const real = { dryRun: false, holds: isPaused };
const { client, failNext, items } = memoryDynamo();
const table: RegistryTable = { client, name: 'Registry', wait: async () => {} };

beforeEach(async () => {
  items('Registry').clear();
  await writeEntry(table, id, undefined, { clientId: 'app', name: 'version 1' }, changed);
});

/** A table into which an apply writes between each read and the write after it, so many times. */
const withApplies = (times: number): RegistryTable => {
  let left = times;
  const send = async (command: { constructor: { name: string } }): Promise<unknown> => {
    if (command.constructor.name === 'UpdateItemCommand' && left > 0) {
      left -= 1;
      const item = await readOne(table, id);
      await writeEntry(table, id, item, { clientId: 'app', name: `version ${item!.version + 1}` }, changed);
    }
    return client.send(command as unknown as Parameters<typeof client.send>[0]);
  };
  return { ...table, client: { send } as unknown as RegistryTable['client'] };
};

describe('a stop', () => {
  it.each([1, 19])('wins against %i applies that come between, and undoes none of them', async (times) => {
    expect(await stopNow(withApplies(times), id, stop, real)).toMatchObject({ changed: true, before: undefined });

    expect(await readOne(table, id)).toMatchObject({
      version: times + 2,
      entry: { name: `version ${times + 1}` },
      stop,
    });
  });

  it('ends the same way', async () => {
    await stopNow(table, id, stop, real);
    const end = { at: stop.at + 60, by: 'arn:aws:iam::111122223333:user/end', reason: 'a new secret' };

    expect(await endNow(withApplies(3), id, end, real)).toMatchObject({ changed: true, before: stop });
    expect((await readOne(table, id))?.stop).toEqual({ ...end, until: end.at });
  });

  it('gives up after twenty tries, and has changed nothing', async () => {
    await expect(stopNow(withApplies(50), id, stop, real)).rejects.toThrow(
      'partner#app was changed by others 20 times in a row. Nothing was changed; run again.',
    );
    expect((await readOne(table, id))?.stop).toBeUndefined();
  });

  it('a stop that another operator made at the same time is not replaced', async () => {
    const other = { ...stop, by: 'arn:aws:iam::111122223333:user/other' };
    const racing = withApplies(0);
    const first = stopNow(table, id, other, real);
    const [, second] = await Promise.all([first, stopNow(racing, id, stop, real)]);

    expect(second).toMatchObject({ changed: false, stop: other });
    expect((await readOne(table, id))?.stop).toMatchObject(other);
  });

  it('a stop whose answer was lost is found to be made', async () => {
    failNext('UpdateItem', Object.assign(new Error(), { name: 'TimeoutError' }), { after: true });

    expect(await stopNow(table, id, stop, real)).toMatchObject({ changed: true });
    expect(await readOne(table, id)).toMatchObject({ version: 2, stop });
  });

  it('a stop that the table throttles for long is not made, and says so with the error of DynamoDB', async () => {
    const error = Object.assign(new Error(), { name: 'ProvisionedThroughputExceededException' });
    for (let times = 0; times < 8; times += 1) failNext('UpdateItem', error);

    await expect(stopNow(table, id, stop, real)).rejects.toBe(error);
    expect(await readOne(table, id)).toMatchObject({ version: 1, stop: undefined });
  });

  it('a stop of an item that does not exist is refused', async () => {
    await expect(stopNow(table, 'partner#other', stop, real)).rejects.toThrow('The registry has no item partner#other');
  });
});
