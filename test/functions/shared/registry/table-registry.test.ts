import { createHash } from 'node:crypto';
import {
  directoryEntryOf,
  entriesOf,
  newEntryItem,
  pageOf,
  pagesOf,
  readEntryItem,
  writeEntryText,
  type DirectoryPage,
  type OriginsPage,
} from '../../../../functions/shared/registry/entry-items.ts';
import { tableRegistry } from '../../../../functions/shared/registry/table-registry.ts';
import type { Partner, Payer } from '../../../../functions/shared/registry/types.ts';
import { sha256 } from '../../../../functions/shared/store/crypto.ts';
import type { Item, StoredItem } from '../../../../functions/shared/store/items.ts';
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
    detail: `registry: ${id} is damaged`,
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
        detail: 'registry: payer#northwind is damaged',
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

  it('leaves the other pages, if it is a page: damaged and missing ones are named once per read, and are empty', async () => {
    const { registry, change, log } = stored();
    const origin = localData().partners.flatMap(({ webOrigins }) => webOrigins)[0]!;
    const [damaged] = localData().payers.map(({ id }) => `directory#${pageOf(id)}`);
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
      `registry: origins#${pageOf(origin)} is damaged`,
      `registry: ${damaged} is damaged`,
    ]);

    expect((await registry.directory()).isWhole).toBe(false);

    const other = stored();
    const pages = localData().payers.map(({ id }) => `directory#${pageOf(id)}`);
    expect((await other.registry.directory()).isWhole).toBe(true);
    other.passSeconds(20);
    for (const page of [...pages, `origins#${pageOf(origin)}`]) other.remove(page);
    for (let count = 0; count < 3; count += 1) {
      expect(await other.registry.isWebOrigin(origin)).toBe(false);
      expect(await other.registry.directory()).toMatchObject({ entries: [], isWhole: false });
    }
    const missing = [`origins#${pageOf(origin)}`, ...new Set(pages)].map((page) => `registry: ${page} is missing`);
    expect(other.log().map(({ detail }) => detail)).toEqual(expect.arrayContaining(missing));
    expect(other.log().map(({ registryDamaged }) => registryDamaged)).toEqual(missing.map(() => 1));
  });

  it('refuses an entry that the directory names and whose item is missing, and says so; a removed one is unknown', async () => {
    const { registry, remove, dynamo, log, passSeconds } = stored();
    remove('payer#northwind');
    remove('partner#demo-partner');
    const isListed = true;
    expect([await registry.payer('northwind'), await registry.partner('demo-partner')]).toEqual([undefined, undefined]);
    expect(log()).toEqual([]);
    const refused = (id: string) => ({ code: 'temporarily_unavailable', detail: `registry: ${id} is missing` });
    await expect(registry.payer('northwind', { isListed })).rejects.toMatchObject(refused('payer#northwind'));
    await expect(registry.partner('demo-partner', { isListed })).rejects.toMatchObject(refused('partner#demo-partner'));
    expect(log()).toMatchObject(
      ['payer#northwind', 'partner#demo-partner'].map((id) => ({
        level: 'error',
        detail: `registry: ${id} is missing`,
        registryDamaged: 1,
      })),
    );

    dynamo.items('Registry').set('payer#northwind', { entryId: { S: 'payer#northwind' }, version: { N: '2' } });
    passSeconds(20);
    expect(await registry.payer('northwind', { isListed })).toBeUndefined();
    expect(log()).toHaveLength(2);
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

const changedByOne = { changedAt: 1_780_000_000, changedBy: 'arn:aws:iam::111122223333:user/one', reason: 'first' };
const storedStop = { at: { N: '1780000050' }, by: { S: 'arn' }, reason: { S: 'a leak' } };
const payer = localData().payers[0] as Payer;
const key = `payer#${payer.id}`;
const item = newEntryItem(key, payer, changedByOne);

describe('an item of the registry', () => {
  it('is read as it was written: every payer, partner and page, at version 1', () => {
    for (const [id, entry] of entriesOf(localData())) {
      const read = readEntryItem(newEntryItem(id, entry, changedByOne));
      expect(read).toEqual({
        version: 1,
        entry,
        damaged: false,
        digest: sha256(JSON.stringify(entry)),
        stop: undefined,
        ...changedByOne,
      });
    }
  });

  it('is read with its stop, and without its entry once that was removed', () => {
    const { entry: _entry, digest: _digest, ...removed } = item;
    const until = { ...storedStop, until: { N: '1780000900' } };

    expect(readEntryItem({ ...item, stop: { M: until } }).stop).toEqual({
      at: 1_780_000_050,
      until: 1_780_000_900,
      by: 'arn',
      reason: 'a leak',
    });
    expect(readEntryItem({ ...removed, stop: { M: storedStop } })).toMatchObject({
      entry: undefined,
      damaged: false,
      stop: { at: 1_780_000_050, until: undefined },
    });
  });

  const text = (written: string, digest = sha256(written)): Item => ({ entry: { S: written }, digest: { S: digest } });
  const damages: [string, Partial<Record<string, StoredItem[string] | undefined>>][] = [
    ['its text', { entry: { S: '{}' } }],
    ['its text, by one space', { entry: { S: `${item['entry']?.S ?? ''} ` } }],
    ['its text, made a number', { entry: { N: '1' } }],
    ['its text, made a map', { entry: { M: {} } }],
    ['its text, removed', { entry: undefined }],
    ['its digest', { digest: { S: sha256('another') } }],
    ['its digest, removed', { digest: undefined }],
    ['its digest, made a number', { digest: { N: '1' } }],
    ['its version, removed', { version: undefined }],
    ['its version, made a text', { version: { S: '1' } }],
    ['its version, below one', { version: { N: '0' } }],
    ['its version, made a fraction', { version: { N: '1.5' } }],
    ['text and digest, to no JSON', text('{"id":')],
    ['text and digest, to nothing', text('')],
    ['text and digest, to null', text('null')],
    ['text and digest, to a number', text('3')],
    ['text and digest, to a list', text('[]')],
    ['text and digest, to an object without an id', text('{}')],
    ['text and digest, to the entry of another key', text(JSON.stringify({ ...payer, id: 'another' }))],
  ];
  it.each(damages)('is damaged, and never throws, if someone changed by hand %s', (_what, change) => {
    const damaged = { ...item, ...change, stop: { M: storedStop } } as StoredItem;
    const given = Object.fromEntries(Object.entries(damaged).filter(([, value]) => value !== undefined));

    expect(readEntryItem(given)).toMatchObject({ damaged: true, entry: undefined, stop: { at: 1_780_000_050 } });
  });

  it.each([
    ['partner#app', { clientId: 'another' }],
    ['partner#app', {}],
    ['directory#3', { origins: [] }],
    ['origins#3', { entries: [] }],
    ['origins#3', { origins: 'https://app.example' }],
  ])('%s is damaged with what belongs elsewhere', (id, entry) => {
    expect(readEntryItem(newEntryItem(id, entry, changedByOne)).damaged).toBe(true);
  });

  it('whose key no entry has, as the record of who applied a configuration, may have any object', () => {
    const applied = { by: 'arn', configuration: 'sha-256' };

    expect(readEntryItem(newEntryItem('apply', applied, changedByOne))).toMatchObject({
      damaged: false,
      entry: applied,
    });
  });

  it.each<[string, StoredItem[string]]>([
    ['empty', { M: {} }],
    ['no map', { S: 'no' }],
    ['null', {}],
    ['parts of another type', { M: { at: { S: 'now' }, until: { S: 'tomorrow' }, by: { N: '1' } } }],
  ])('still stops if its stop is %s', (_what, damaged) => {
    expect(readEntryItem({ ...item, stop: damaged })).toMatchObject({ damaged: false, entry: payer });
    expect(readEntryItem({ ...item, stop: damaged }).stop).toEqual({ at: 0, until: undefined, by: '', reason: '' });
  });
});

/** A configuration of many: all partners may read from all payers. */
const many = (payers: number, partners: number) => {
  const ids = Array.from({ length: payers }, (_, n) => `health-plan-with-a-long-name-${n}`);
  return {
    payers: ids.map((id, n): Payer => ({
      ...payer,
      id,
      displayName: `A Health Plan With a Rather Long Name, Number ${n}`,
      linesOfBusiness: ['Commercial', 'Medicare Advantage', 'Medicaid', 'Marketplace'],
      brand: {
        website: `https://www.${id}.example/members`,
        logo: `https://www.${id}.example/images/logo-square.svg`,
        otherNames: [`A Former Name of Health Plan Number ${n}`, `HP ${n}`],
        identifiers: { payerId: [`HPLN${n}`], naic: ['12345', '12346'], hios: ['54321'], npi: ['1234567893'] },
      },
    })),
    partners: Array.from({ length: partners }, (_, n): Partner => ({
      ...(localData().partners[0] as Partner),
      clientId: `partner-${n}`,
      webOrigins: [`https://portal-${n}.a-health-plan-somewhere.example`],
      payers: ids,
    })),
  };
};

/** An order that is neither the configuration's nor its reverse. */
const byLastDigit = (a: Payer | Partner, b: Payer | Partner): number => lastDigit(a) - lastDigit(b);
const lastDigit = (one: Payer | Partner): number => Number(('id' in one ? one.id : one.clientId).slice(-1));

describe('the pages', () => {
  it('have each payer and each origin once, on the page that its name says for ever', () => {
    const pages = pagesOf(localData());
    const { payers, partners } = localData();
    const origins = new Set(partners.flatMap(({ webOrigins }) => webOrigins));

    expect([...pages.keys()]).toHaveLength(32);
    for (const { id } of payers) {
      const page = pages.get(`directory#${createHash('sha256').update(id).digest()[0]! % 16}`) as DirectoryPage;
      expect(page.entries.filter((entry) => entry.id === id)).toHaveLength(1);
    }
    for (const origin of origins) {
      expect((pages.get(`origins#${pageOf(origin)}`) as OriginsPage).origins).toContain(origin);
    }
    const counted = [...pages.values()].map((page) => ('entries' in page ? page.entries : page.origins).length);
    expect(counted.reduce((sum, count) => sum + count, 0)).toBe(payers.length + origins.size);
  });

  it('do not move: one payer more or less changes its own page only', () => {
    const data = many(40, 1);
    const [before, after] = [pagesOf(data), pagesOf({ ...data, payers: data.payers.slice(1) })];
    const moved = [...before].filter(([id, page]) => JSON.stringify(page) !== JSON.stringify(after.get(id)));

    expect(moved.map(([id]) => id)).toEqual([`directory#${pageOf('health-plan-with-a-long-name-0')}`]);
  });

  it('stay far below DynamoDB’s 400 KB with 5,000 payers and 1,000 partners', () => {
    const data = many(5000, 1000);
    const sizes = [...pagesOf(data).values()].map((page) => Buffer.byteLength(writeEntryText(page).entry));

    expect(Math.max(...sizes)).toBeLessThan(240_000);
    expect(Math.max(...sizes)).toBeGreaterThan(80_000);
    expect(Buffer.byteLength(writeEntryText(data.partners[0]!).entry)).toBeLessThan(250_000);
  });

  const partner = localData().partners[0] as Partner;
  const asks = (clientId: string, consent: Partner['consent']): Partner => ({
    ...partner,
    clientId,
    consent,
    payers: [payer.id],
  });
  const probe = (...partners: Partner[]) =>
    (pagesOf({ payers: [payer], partners }).get(`directory#${pageOf(payer.id)}`) as DirectoryPage).entries[0];

  it('name a partner to probe a payer with: one that asks its members itself, if there is one', () => {
    expect(probe(asks('a', 'gateway'), asks('b', 'partner'), asks('c', 'partner'))?.partner).toBe('b');
    expect(probe(asks('a', 'gateway'), asks('b', 'gateway'))?.partner).toBe('a');
    expect(probe({ ...asks('a', 'partner'), payers: [] })).not.toHaveProperty('partner');
    expect(probe(asks('a', 'gateway'), asks('b', 'partner'))).toEqual(directoryEntryOf(payer, [asks('b', 'partner')]));
  });

  it('name the first of several such partners by their ids, in whatever order the configuration has them', () => {
    const probeOf = (...clientIds: string[]) => probe(...clientIds.map((id) => asks(id, 'partner')))?.partner;

    expect([probeOf('a', 'b', 'c'), probeOf('c', 'b', 'a'), probeOf('b', 'a', 'c')]).toEqual(['a', 'a', 'a']);
  });

  it('are the same in whatever order the configuration has payers, partners and origins', () => {
    const { payers, partners } = many(40, 40);
    const backwards = { payers: payers.toReversed(), partners: partners.toReversed() };
    const mixed = { payers: payers.toSorted(byLastDigit), partners: partners.toSorted(byLastDigit) };
    const pages = JSON.stringify([...pagesOf({ payers, partners })]);

    expect(JSON.stringify([...pagesOf(backwards)])).toBe(pages);
    expect(JSON.stringify([...pagesOf(mixed)])).toBe(pages);
  });

  it('have payers and origins in order, for a person who reads them', () => {
    const pages = [...pagesOf(many(40, 40)).values()];
    const lists = pages.map((page) => ('entries' in page ? page.entries.map(({ id }) => id) : page.origins));

    for (const list of lists) expect(list).toEqual(list.toSorted());
    expect(Math.max(...lists.map(({ length }) => length))).toBeGreaterThan(2);
  });

  it('are all there in a stage without payers and partners, though empty', () => {
    const pages = [...pagesOf({ payers: [], partners: [] })];

    expect(pages).toHaveLength(32);
    for (const [id, page] of pages) {
      expect([id, page]).toEqual([id, id.startsWith('directory#') ? { entries: [] } : { origins: [] }]);
    }
  });
});

it('the directory names no partner that sends members nowhere, since the canary would send it to a sign-in', () => {
  const own = localData().partners[0]!;
  const plan = { ...own, clientId: 'a-plan', redirectUris: [], consent: 'partner' as const };
  const named = (partners: Partner[]) => [
    directoryEntryOf(payer, partners).partner,
    ...[...pagesOf({ payers: [payer], partners }).values()].flatMap((page) =>
      'entries' in page ? page.entries.map((entry) => entry.partner) : [],
    ),
  ];

  expect(named([plan])).toEqual([undefined, undefined]);
  expect(named([plan, own])).toEqual([own.clientId, own.clientId]);
});
