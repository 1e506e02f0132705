import { getItem } from '../../../../functions/shared/store/dynamo.ts';
import { exchangeOwner, keyOf } from '../../../../functions/shared/store/exchange-items.ts';
import {
  countRunning,
  dropAccepted,
  getAccepted,
  getInput,
  noteAccepted,
  noteEnded,
  noteRunning,
  putInput,
} from '../../../../functions/shared/store/exchanges.ts';
import {
  endMember,
  endMemberEarly,
  getGroup,
  getGroupHead,
  listGroups,
  listUnready,
  noteMade,
  notePatients,
  putGroupBody,
  putGroupHead,
} from '../../../../functions/shared/store/groups.ts';
import { deleteSystemToken, getSystemToken, putSystemToken } from '../../../../functions/shared/store/system-tokens.ts';
import { stores, type Store } from '../../../model/store.ts';
import { putGroup } from '../../../support/put-group.ts';

const now = 1_780_315_200;
const owner = exchangeOwner({ payer: 'former', partner: 'plan' });
const otherPartner = exchangeOwner({ payer: 'former', partner: 'other' });

describe.each(Object.entries(stores))('what exchanges remember, in %s', (_name, open) => {
  let store: Store;
  let table: { client: Store['client']; name: string };
  beforeAll(async () => {
    store = await open();
    table = { client: store.client, name: store.tables.Exchanges };
  });
  afterAll(() => store.close());

  const group = (id: string, change: Partial<Parameters<typeof putGroup>[1]> = {}) =>
    putGroup(table, {
      owner,
      id,
      code: 'match',
      members: 2,
      key: new Uint8Array([1]),
      body: new Uint8Array([2]),
      exportId: 'export-1',
      createdAt: now,
      expiresAt: now + 10,
      ...change,
    });

  it('a system token is known by its hash until its last second, and not after it is deleted', async () => {
    await putSystemToken(table, { hash: 'hash-1', partner: 'plan', payer: 'former', now, expiresAt: now + 300 });

    expect(await getSystemToken(table, 'hash-1', now + 299)).toEqual({
      partner: 'plan',
      payer: 'former',
      createdAt: now,
      expiresAt: now + 300,
    });
    expect(await getSystemToken(table, 'hash-1', now + 300)).toBeUndefined();
    expect(await getSystemToken(table, 'hash-2', now)).toBeUndefined();
    await deleteSystemToken(table, 'hash-1');
    expect(await getSystemToken(table, 'hash-1', now)).toBeUndefined();
  });

  it.each([1, 300_000, 300_001, 3_900_000])(
    'an input of %i bytes comes back byte for byte, to its owner only',
    async (length) => {
      const input = Buffer.alloc(length, 'the same bytes');
      await putInput(table, owner, { exportId: `input-${length}`, input, expiresAt: now + 10 });

      expect(Buffer.from(await getInput(table, owner, `input-${length}`)).equals(input)).toBe(true);
      expect(await getInput(table, otherPartner, `input-${length}`)).toHaveLength(0);
    },
  );

  it('a Group of 700 KB comes back byte for byte, until it expires, to its owner only', async () => {
    const body = Buffer.alloc(700_000, 'the same bytes');
    await group('large', { body });

    const found = await getGroup(table, owner, 'large', now + 9);
    expect(found).toMatchObject({ owner, id: 'large', code: 'match', members: 2, exportId: 'export-1', ended: [] });
    expect(Buffer.compare(found!.body, body)).toBe(0);
    expect(await getGroup(table, owner, 'large', now + 10)).toBeUndefined();
    expect(await getGroup(table, otherPartner, 'large', now)).toBeUndefined();
  });

  it("a later match's Group replaces one of the same id, an earlier one's does not, and whoever was ended stays ended", async () => {
    await group('twice', { exportId: 'export-1', body: Buffer.from('one') });
    expect(await endMember(table, owner, 'twice', 'member-hash')).toBe(true);
    await group('twice', { exportId: 'export-2', body: Buffer.from('two'), createdAt: now + 2 });
    await group('twice', { exportId: 'export-1', body: Buffer.from('one'), createdAt: now + 1 });

    const found = await getGroup(table, owner, 'twice', now);
    expect([String(found?.body), found?.exportId, found?.ended]).toEqual(['two', 'export-2', ['member-hash']]);
    expect(await endMember(table, owner, 'unknown', 'member-hash')).toBe(false);
  });

  it('of two matches of one second the same one keeps a Group’s id, in whichever order and however often they write it', async () => {
    const [one, two] = ['tied-1', 'tied-2'].map((exportId) => ({ exportId, body: Buffer.from(exportId) }));
    const orders = [
      [one, two],
      [two, one],
      [one, two, one],
      [two, one, two],
    ];
    for (const [at, order] of orders.entries()) {
      const id = `tie-${at}`;
      for (const { exportId } of [one!, two!])
        await noteMade(table, { owner, id, exportId, createdAt: now, expiresAt: now + 10 });
      for (const match of order) await group(id, match);

      const found = await getGroup(table, owner, id, now);
      expect([found?.exportId, String(found?.body)]).toEqual(['tied-2', 'tied-2']);
      const unready = await Promise.all(['tied-1', 'tied-2'].map((made) => listUnready(table, owner, made, now)));
      // The other can never become usable.
      expect(unready.flat().filter((made) => made.id === id)).toEqual([]);
    }
  });

  const [ours, theirs] = [{ patients: 'ours' }, { patients: 'theirs' }];
  const later = { exportId: 'export-2', createdAt: now + 2 };
  const unusable = (patients: string) => ({ payer: 'former', patients });
  it.each<[string, readonly (Parameters<typeof group>[1] | ReturnType<typeof unusable>)[], boolean]>([
    ['of the same patients', [ours, { ...ours, ...later }], false],
    ['once more', [ours, ours], false],
    ['of others', [ours, { ...theirs, ...later }], true],
    ['of others, of which the earlier one comes last', [{ ...theirs, ...later }, ours], true],
    ['of others, and the first again', [ours, { ...theirs, ...later }, { ...ours, createdAt: now + 3 }], true],
    ['of the same patients, of which the earlier one comes last', [{ ...ours, ...later }, ours], false],
    ["another partner's, of the same patients", [ours, { ...ours, owner: otherPartner }], false],
    ["another partner's, of others", [ours, { ...theirs, owner: otherPartner }], true],
    ["another partner's, of others, before", [{ ...theirs, owner: otherPartner }, ours], true],
    ["another payer's, of others", [ours, { ...theirs, owner: 'another/plan' }], false],
    ['of others, that nobody can use', [ours, unusable('theirs')], true],
    ['of others, that nobody could use before', [unusable('theirs'), ours], true],
    ['of the same patients, that nobody can use', [ours, unusable('ours')], false],
  ])("a Group whose id two answers have says whether the payer's may have others: %s", async (what, all, isMixed) => {
    for (const one of all)
      if (one !== undefined && 'payer' in one) await notePatients(table, { ...one, id: what, expiresAt: now + 10 });
      else await group(what, { expiresAt: now + 10, ...one });

    expect(await getGroup(table, owner, what, now)).toMatchObject({ isMixed });
    expect(await getGroupHead(table, owner, what, now)).toMatchObject({ isMixed });
  });

  it('whom a payer gave an id to is known as long as any Group of the id; if it is not known, the Group may have others', async () => {
    for (const [patients, expiresAt] of [
      ['ours', now + 20],
      ['ours', now + 10],
      ['theirs', now + 5],
    ] as const)
      await notePatients(table, { payer: 'former', id: 'noted', patients, expiresAt });
    const note = await getItem(table, keyOf('former/', 'patients/noted'));
    const head = { code: 'match', members: 1, key: Buffer.of(1), exportId: 'e', createdAt: now, expiresAt: now + 20 };
    await putGroupHead(table, { ...head, ...ours, owner, id: 'not noted', chunks: 1 });

    expect(note).toMatchObject({ expiresAt: { N: `${now + 20}` }, isMixed: { BOOL: true } });
    expect(await getGroupHead(table, owner, 'not noted', now)).toMatchObject({ isMixed: true });
  });

  it('a match whose Group a later one has replaced has none that may become usable', async () => {
    const made = { owner, id: 'replaced', expiresAt: now + 10 };
    for (const [createdAt, exportId, count] of [
      [now - 1, 'export-0', 0],
      [now, 'export-0', 0],
      [now, 'export-3', 1],
      [now + 1, 'export-0', 1],
    ] as const) {
      await noteMade(table, { ...made, createdAt, exportId });
      await group('replaced', { exportId: 'export-2' });
      expect(await listUnready(table, owner, exportId, now)).toHaveLength(count);
    }
  });

  it('a body that another try of the same leg writes late does not replace the one of the head', async () => {
    await group('tried', { key: Buffer.from('one'), body: Buffer.from('one') });
    const late = { owner, id: 'tried', key: Buffer.from('other'), body: Buffer.from('other') };
    await putGroupBody(table, { ...late, exportId: 'export-1', expiresAt: now + 10 });

    expect(String((await getGroup(table, owner, 'tried', now))?.body)).toBe('one');
  });

  it('a member who is ended before a Group can be used stays ended once it can be used; the Group keeps its own end', async () => {
    const at = { owner, id: 'unready', exportId: 'export-1', createdAt: now, expiresAt: now + 10 };
    await noteMade(table, at);
    expect(await listUnready(table, owner, 'export-1', now)).toEqual([
      { id: 'unready', expiresAt: now + 10, ended: [] },
    ]);
    const early = { owner, id: 'unready', hash: 'member-hash', until: now + 10 };
    expect(await endMember(table, owner, 'unready', 'member-hash')).toBe(false);
    expect(await endMemberEarly(table, early)).toBe(true);
    expect(await endMemberEarly(table, early)).toBe(false);
    expect(await endMember(table, owner, 'unready', 'member-hash')).toBe(true);

    expect(await listUnready(table, owner, 'export-1', now)).toMatchObject([{ ended: ['member-hash'] }]);
    expect(await getGroup(table, owner, 'unready', now)).toBeUndefined();
    expect(await getGroupHead(table, owner, 'unready', now)).toBeUndefined();
    const listed = await listGroups(table, owner, { limit: 100, now });
    expect(listed.groups.map(({ id }) => id)).not.toContain('unready');
    await group('unready', { expiresAt: now + 20 });
    expect(await getGroup(table, owner, 'unready', now + 15)).toMatchObject({ ended: ['member-hash'] });
    expect(await listUnready(table, owner, 'export-1', now)).toEqual([]);
    expect(await listUnready(table, owner, 'export-2', now)).toEqual([]);
  });

  it('Groups are listed by pages, without the expired, and without other items', async () => {
    const other = exchangeOwner({ payer: 'former', partner: 'lists' });
    for (const id of ['c', 'a', 'b']) await group(id, { owner: other });
    await group('aa', { owner: other, expiresAt: now });
    await noteRunning(table, other, { exportId: 'e', expiresAt: now + 10 });

    const first = await listGroups(table, other, { limit: 3, now });
    const second = await listGroups(table, other, { limit: 3, now, after: first.after });
    expect([first, second].map(({ groups }) => groups.map(({ id }) => id))).toEqual([['a', 'b'], ['c']]);
    expect(second.after).toBeUndefined();
  });

  it('what a plan has accepted is kept longer than its exchange may run, until the plan was told of the end', async () => {
    const one = { exportId: 'one', body: Buffer.from('sealed'), expiresAt: now + 10 };
    await noteAccepted(table, owner, one);
    await noteAccepted(table, owner, one);

    const day = 24 * 3600;
    const item = await getItem(table, keyOf(owner, 'accepted/one'));
    expect(Number(item?.['expiresAt']?.N)).toBeGreaterThan(now + 3 * day);
    expect(Buffer.from((await getAccepted(table, owner, 'one'))!).toString()).toBe('sealed');
    await dropAccepted(table, owner, 'one');
    expect(await getAccepted(table, owner, 'one')).toBeUndefined();
  });

  it('running exchanges are counted until they end or expire', async () => {
    await noteRunning(table, owner, { exportId: 'one', expiresAt: now + 10 });
    await noteRunning(table, owner, { exportId: 'two', expiresAt: now + 20 });
    await noteRunning(table, owner, { exportId: 'two', expiresAt: now + 20 });

    expect(await countRunning(table, owner, now)).toBe(2);
    expect(await countRunning(table, owner, now + 10)).toBe(1);
    await noteEnded(table, owner, 'two');
    await noteEnded(table, owner, 'two');
    expect(await countRunning(table, owner, now)).toBe(1);
  });
});
