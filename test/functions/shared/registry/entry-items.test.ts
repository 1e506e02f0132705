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
import type { Partner, Payer } from '../../../../functions/shared/registry/types.ts';
import { sha256 } from '../../../../functions/shared/store/crypto.ts';
import type { Item, StoredItem } from '../../../../functions/shared/store/items.ts';
import { localData } from '../../../support/gateway.ts';

const changed = { changedAt: 1_780_000_000, changedBy: 'arn:aws:iam::111122223333:user/one', reason: 'first' };
const stop = { at: { N: '1780000050' }, by: { S: 'arn' }, reason: { S: 'a leak' } };
const payer = localData().payers[0] as Payer;
const key = `payer#${payer.id}`;
const item = newEntryItem(key, payer, changed);

describe('an item of the registry', () => {
  it('is read as it was written: every payer, partner and page, at version 1', () => {
    for (const [id, entry] of entriesOf(localData())) {
      const read = readEntryItem(newEntryItem(id, entry, changed));
      expect(read).toEqual({
        version: 1,
        entry,
        damaged: false,
        digest: sha256(JSON.stringify(entry)),
        stop: undefined,
        ...changed,
      });
    }
  });

  it('is read with its stop, and without its entry once that was removed', () => {
    const { entry: _entry, digest: _digest, ...removed } = item;
    const until = { ...stop, until: { N: '1780000900' } };

    expect(readEntryItem({ ...item, stop: { M: until } }).stop).toEqual({
      at: 1_780_000_050,
      until: 1_780_000_900,
      by: 'arn',
      reason: 'a leak',
    });
    expect(readEntryItem({ ...removed, stop: { M: stop } })).toMatchObject({
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
  it.each(damages)('is out of order, and never throws, if someone changed by hand %s', (_what, change) => {
    const damaged = { ...item, ...change, stop: { M: stop } } as StoredItem;
    const given = Object.fromEntries(Object.entries(damaged).filter(([, value]) => value !== undefined));

    expect(readEntryItem(given)).toMatchObject({ damaged: true, entry: undefined, stop: { at: 1_780_000_050 } });
  });

  it.each([
    ['partner#app', { clientId: 'another' }],
    ['partner#app', {}],
    ['directory#3', { origins: [] }],
    ['origins#3', { entries: [] }],
    ['origins#3', { origins: 'https://app.example' }],
  ])('%s is out of order with what belongs elsewhere', (id, entry) => {
    expect(readEntryItem(newEntryItem(id, entry, changed)).damaged).toBe(true);
  });

  it('whose key no entry has, as the record of who applied a configuration, may have any object', () => {
    const applied = { by: 'arn', configuration: 'sha-256' };

    expect(readEntryItem(newEntryItem('apply', applied, changed))).toMatchObject({ damaged: false, entry: applied });
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
