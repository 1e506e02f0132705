import { entriesOf, newEntryItem, pageOf } from '../../../../functions/shared/registry/entry-items.ts';
import { tableRegistry } from '../../../../functions/shared/registry/table-registry.ts';
import { sha256 } from '../../../../functions/shared/store/crypto.ts';
import type { StoredItem } from '../../../../functions/shared/store/items.ts';
import { localData, startMs } from '../../../support/gateway.ts';
import { memoryDynamo } from '../../../support/memory-dynamo.ts';

const changed = { changedAt: 1_780_000_000, changedBy: 'arn', reason: 'first' };
const stop = { M: { at: { N: '1' }, by: { S: 'arn' }, reason: { S: 'a leak' } } };

/** The local stage in a table, and a registry that reads it. */
const stored = () => {
  const dynamo = memoryDynamo();
  const time = { ms: startMs };
  const lines: string[] = [];
  const items = dynamo.items('Registry');
  for (const [id, entry] of entriesOf(localData())) items.set(id, newEntryItem(id, entry, changed));
  const { stage, lifetimes } = localData();
  const registry = tableRegistry({
    table: { client: dynamo.client, name: 'Registry' },
    clock: { now: () => time.ms, monotonic: () => time.ms },
    writeLog: (line) => void lines.push(line),
    stage,
    lifetimes,
  });
  return {
    registry,
    dynamo,
    lines,
    log: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
    passSeconds: (seconds: number) => void (time.ms += seconds * 1000),
    /** Writes attributes of an item, as someone in the console does. */
    change: (id: string, attributes: StoredItem) =>
      void items.set(id, { ...items.get(id), ...attributes } as NonNullable<ReturnType<typeof items.get>>),
    remove: (id: string) => void items.delete(id),
  };
};

const outOfOrder = (id: string) =>
  expect.objectContaining({
    code: 'temporarily_unavailable',
    status: 503,
    publicMessage: 'The service is briefly unavailable. Please try again.',
    detail: `registry: ${id} is out of order`,
  }) as unknown;
const broken = { digest: { S: sha256('another text') } };
const reads = (count: number) => Array.from({ length: count }, () => 'GetItem');

describe('the registry in a table', () => {
  it('finds what the stage has, by one strongly consistent read each, kept for twenty seconds', async () => {
    const { registry, dynamo, passSeconds } = stored();
    const { payers, partners, stage, lifetimes } = localData();
    for (const payer of payers) expect(await registry.payer(payer.id)).toEqual(payer);
    for (const partner of partners) expect(await registry.partner(partner.clientId)).toEqual(partner);
    expect([registry.stage, registry.lifetimes]).toEqual([stage, lifetimes]);
    expect(dynamo.calls()).toEqual(reads(payers.length + partners.length));

    passSeconds(19);
    await registry.payer(payers[0]!.id);
    expect(dynamo.calls()).toEqual([]);
    passSeconds(1);
    await registry.payer(payers[0]!.id);
    expect(dynamo.calls()).toEqual(reads(1));
  });

  it('limits a read: one second for each try, two and a half for all', async () => {
    const { registry, dynamo } = stored();
    const options: unknown[] = [];
    const send = dynamo.client.send.bind(dynamo.client) as (command: object) => Promise<object>;
    Object.assign(dynamo.client, {
      send: (command: object, given: unknown) => {
        options.push(given);
        return send(command);
      },
    });
    await registry.payer('northwind');
    expect(options).toEqual([{ requestTimeout: 1000, abortSignal: expect.any(AbortSignal) as unknown }]);
  });

  it('has a directory of all payers in sixteen reads, and knows an origin by one', async () => {
    const { registry, dynamo } = stored();
    const ids = localData().payers.map(({ id }) => id);
    const origin = localData().partners.flatMap(({ webOrigins }) => webOrigins)[0]!;

    expect((await registry.directory()).entries.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    expect(dynamo.calls()).toEqual(reads(16));
    expect(await registry.isWebOrigin(origin)).toBe(true);
    expect(dynamo.calls()).toEqual(reads(1));
  });

  it('asks once for a name that does not exist, and never for what is no name', async () => {
    const { registry, dynamo } = stored();
    for (let count = 0; count < 3; count += 1) {
      expect(await registry.payer('nobody')).toBeUndefined();
      expect(await registry.partner('nobody')).toBeUndefined();
    }
    expect(dynamo.calls()).toEqual(reads(2));

    for (const name of ['', 'A', 'a b', 'a/b', 'a#b', 'é', '\u0000', 'x'.repeat(65), '__proto__', 'a\n']) {
      expect(await registry.payer(name)).toBeUndefined();
      expect(await registry.partner(name)).toBeUndefined();
    }
    expect(dynamo.calls()).toEqual([]);
  });

  it('asks for at most sixteen pages, however many origins are made up', async () => {
    const { registry, dynamo } = stored();
    for (let count = 0; count < 200; count += 1) {
      expect(await registry.isWebOrigin(`https://made-up-${count}.example`)).toBe(false);
    }
    expect(dynamo.calls().length).toBeLessThanOrEqual(16);
  });
});

describe('a stop in the table', () => {
  it('holds twenty seconds after it was written at the latest, and ends as fast', async () => {
    const { registry, change, passSeconds } = stored();
    await registry.payer('northwind');
    await registry.partner('demo-partner');
    change('payer#northwind', { stop });
    change('partner#demo-partner', { stop });
    passSeconds(20);
    await expect(registry.payer('northwind')).rejects.toMatchObject({ code: 'temporarily_unavailable', stop: 'pause' });
    await expect(registry.partner('demo-partner')).rejects.toMatchObject({
      code: 'unauthorized_client',
      stop: 'block',
    });
    expect(await registry.payer('northwind', { evenIfPaused: true })).toBeDefined();
    expect(await registry.partner('demo-partner', { evenIfBlocked: true })).toBeDefined();

    change('payer#northwind', newEntryItem('payer#northwind', localData().payers[1]!, changed));
    passSeconds(20);
    await expect(registry.payer('northwind')).rejects.toMatchObject({ stop: 'pause' });
  });

  it('ends at the second of its `until`, without a read, if it is a pause', async () => {
    const { registry, dynamo, change, passSeconds } = stored();
    const until = { N: String(startMs / 1000 + 10) };
    change('payer#northwind', { stop: { M: { ...stop.M, until } } });
    change('partner#demo-partner', { stop: { M: { ...stop.M, until } } });
    passSeconds(9.5);
    await expect(registry.payer('northwind')).rejects.toMatchObject({ retryAfterSeconds: 1 });
    await expect(registry.partner('demo-partner')).rejects.toMatchObject({ stop: 'block' });
    dynamo.calls();
    passSeconds(0.5);
    expect(await registry.payer('northwind')).toBeDefined();
    await expect(registry.partner('demo-partner')).rejects.toMatchObject({ stop: 'block' });
    expect(dynamo.calls()).toEqual([]);
  });

  it('means nothing once the entry was removed: it is unknown', async () => {
    const { registry, dynamo } = stored();
    dynamo.items('Registry').set('payer#northwind', { entryId: { S: 'payer#northwind' }, version: { N: '2' }, stop });
    expect(await registry.payer('northwind')).toBeUndefined();
  });
});

describe('an entry that was changed by hand', () => {
  it('is refused, named in the log once per read however many ask for it, and the rest serves', async () => {
    const { registry, change, log, passSeconds } = stored();
    change('payer#northwind', broken);
    for (let count = 0; count < 5; count += 1) {
      await expect(registry.payer('northwind', { evenIfPaused: true })).rejects.toEqual(outOfOrder('payer#northwind'));
    }
    expect(await registry.payer('demo-health-plan')).toBeDefined();
    expect(await registry.partner('demo-partner')).toBeDefined();
    expect(log()).toEqual([
      expect.objectContaining({
        level: 'error',
        time: '2026-06-01T12:00:00.000Z',
        detail: 'registry: payer#northwind is out of order',
        registryDamaged: 1,
      }),
    ]);
    expect(Object.keys(log()[0]!)).toEqual(['level', 'time', 'detail', '_aws', 'registryDamaged']);

    passSeconds(20);
    await expect(registry.payer('northwind')).rejects.toEqual(outOfOrder('payer#northwind'));
    expect(log()).toHaveLength(2);
  });

  it.each([
    ['no JSON', '{'],
    ['no object', 'null'],
    ['an entry of another key', JSON.stringify({ ...localData().payers[0], id: 'another' })],
  ])('to %s with a digest that fits stops itself only', async (_what, text) => {
    const { registry, change } = stored();
    change('payer#northwind', { entry: { S: text }, digest: { S: sha256(text) } });
    await expect(registry.payer('northwind')).rejects.toEqual(outOfOrder('payer#northwind'));
    expect(await registry.payer('demo-health-plan')).toBeDefined();
  });

  it('is a stranger neither blocked nor known: a damaged partner is refused for both', async () => {
    const { registry, change } = stored();
    change('partner#demo-partner', { ...broken, stop });
    for (const evenIfBlocked of [true, false]) {
      await expect(registry.partner('demo-partner', { evenIfBlocked })).rejects.toEqual(
        outOfOrder('partner#demo-partner'),
      );
    }
  });

  it('leaves the other pages, if it is a page: damaged ones are named once per read, missing ones are empty', async () => {
    const { registry, change, remove, log } = stored();
    const origin = localData().partners.flatMap(({ webOrigins }) => webOrigins)[0]!;
    const [damaged, missing] = localData().payers.map(({ id }) => `directory#${pageOf(id)}`);
    expect(damaged).not.toBe(missing);
    change(damaged!, broken);
    change(`origins#${pageOf(origin)}`, broken);
    for (let count = 0; count < 3; count += 1) {
      expect(await registry.isWebOrigin(origin)).toBe(false);
      const ids = (await registry.directory()).entries.map(({ id }) => id);
      expect(ids).toEqual(
        localData()
          .payers.map(({ id }) => id)
          .filter((id) => `directory#${pageOf(id)}` !== damaged),
      );
    }
    expect(log().map(({ detail }) => detail)).toEqual([
      `registry: origins#${pageOf(origin)} is out of order`,
      `registry: ${damaged} is out of order`,
    ]);

    const other = stored();
    for (const { id } of localData().payers) other.remove(`directory#${pageOf(id)}`);
    expect((await other.registry.directory()).entries).toEqual([]);
    remove(missing!);
  });
});

describe('a table that cannot be read', () => {
  it('is told once, and a cold environment refuses with its cause', async () => {
    const { registry, dynamo, lines, log } = stored();
    const throttled = Object.assign(new Error('canary'), { name: 'ThrottlingException' });
    dynamo.standIn('GetItem', () => Promise.reject(throttled));
    const refused = { code: 'temporarily_unavailable', status: 503, detail: 'registry: ThrottlingException' };
    await expect(registry.payer('northwind')).rejects.toMatchObject(refused);
    await expect(registry.partner('demo-partner')).rejects.toMatchObject(refused);
    await expect(registry.isWebOrigin('https://app.example')).rejects.toMatchObject(refused);
    await expect(registry.directory()).rejects.toMatchObject(refused);
    expect(log()).toEqual([
      expect.objectContaining({ level: 'error', detail: 'registry: ThrottlingException', registryDown: 1 }),
    ]);
    expect(lines.join('')).not.toContain('canary');
  });

  it('leaves a warm environment five minutes, stops included', async () => {
    const { registry, dynamo, change, passSeconds } = stored();
    change('payer#northwind', { stop });
    await registry.payer('demo-health-plan');
    await expect(registry.payer('northwind')).rejects.toMatchObject({ stop: 'pause' });
    dynamo.standIn('GetItem', () => Promise.reject(new Error('down')));
    passSeconds(299);
    expect(await registry.payer('demo-health-plan')).toBeDefined();
    await expect(registry.payer('northwind')).rejects.toMatchObject({ stop: 'pause' });
    passSeconds(1);
    await expect(registry.payer('demo-health-plan')).rejects.toMatchObject({ detail: 'registry: Error' });
  });
});
