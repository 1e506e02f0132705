import { parseScopes } from '../../../../functions/shared/scopes/scopes.ts';
import type { Table } from '../../../../functions/shared/store/dynamo.ts';
import type { Grant } from '../../../../functions/shared/store/grant-item.ts';
import {
  addRepeat,
  getGrant,
  putGrant,
  redeem,
  releaseLease,
  rememberAssertion,
  revoke,
  rotate,
  storePayerTokens,
  takeLease,
} from '../../../../functions/shared/store/grants.ts';

export const now = 1_780_000_000;
const nowMs = now * 1000;
export const at = { now, requestId: 'request-1' };
export const grant = {
  grantId: 'grant-1',
  payer: 'northwind',
  partner: 'demo-partner',
  scope: parseScopes('patient/*.rs'),
  refreshable: true,
  endsAt: now + 1000,
  expiresAt: now + 60,
  codeHash: 'code-hash',
  codeExpiresAt: now + 60,
  redirectUri: 'http://localhost:3002/callback',
  wrappedKey: new Uint8Array([1]),
  linkKey: new Uint8Array([9, 8]),
  sealedPayerTokens: new Uint8Array([2]),
  payerVersion: 1,
} satisfies Grant;
const access = { hash: 'access-hash', expiresAt: now + 100, scope: parseScopes('patient/*.rs') };
export const issue = { access, refreshHash: 'refresh-hash', familyHash: 'family-hash' };

/** Every step of a grant's life after its creation, by name, each asked for by one request. */
export const everyUpdate = (table: Table, by = at): [string, () => Promise<boolean>][] => [
  ['redeem', () => redeem(table, grant, issue, by)],
  ['rotate', () => rotate(table, grant, { ...issue, presentedHash: 'refresh-hash', salt: new Uint8Array([3]) }, by)],
  [
    'addRepeat',
    () => addRepeat(table, grant, { presentedHash: 'refresh-hash', refreshHash: 'repeat-hash', now: by.now }),
  ],
  ['revoke', () => revoke(table, 'grant-1', 'byPartner', by)],
  ['takeLease', () => takeLease(table, grant, { owner: 'me', nowMs, untilMs: nowMs + 1 })],
  ['releaseLease', () => releaseLease(table, 'grant-1', 'me')],
  [
    'storePayerTokens',
    () => storePayerTokens(table, grant, { sealed: new Uint8Array([4]), scope: grant.scope, ...by }),
  ],
];

/** What holds for grants in any DynamoDB: in memory, and over HTTP. */
export const grantCases = (emptyTable: () => Promise<Table>): void => {
  const start = async (change: Partial<Grant> = {}) => {
    const table = await emptyTable();
    await putGrant(table, { ...grant, ...change }, at);
    return { table, read: async () => (await getGrant(table, 'grant-1'))! };
  };

  describe('a grant in the table', () => {
    it('is read as it was written', async () => {
      const { read } = await start({ patient: 'p', codeChallenge: 'challenge' });

      expect(await read()).toEqual({ ...grant, patient: 'p', codeChallenge: 'challenge' });
    });

    it('never comes back half-written after TTL removed it', async () => {
      const table = await emptyTable();

      for (const [name, update] of everyUpdate(table)) expect([name, await update()]).toEqual([name, false]);
      expect(await getGrant(table, 'grant-1')).toBeUndefined();
    });

    it('that was revoked accepts no further step', async () => {
      const { table, read } = await start();
      const later = { now: now + 1, requestId: 'request-2' };
      await takeLease(table, grant, { owner: 'me', nowMs, untilMs: nowMs + 1 });
      expect(await revoke(table, 'grant-1', 'byPartner', at)).toBe(true);
      const tombstone = await read();

      for (const [name, update] of everyUpdate(table, later)) expect([name, await update()]).toEqual([name, false]);
      expect(await read()).toEqual(tombstone);
      expect(tombstone).toMatchObject({ revokedAt: now, sealedPayerTokens: new Uint8Array() });
      for (const gone of ['wrappedKey', 'linkKey', 'leaseOwner', 'leaseUntilMs'])
        expect(tombstone).not.toHaveProperty(gone);
    });

    it('that has expired, even if its item still exists, is not redeemed, rotated or refreshed', async () => {
      const { table } = await start();
      const late = { ...at, now: now + 60 };

      expect(await redeem(table, grant, issue, late)).toBe(false);
      expect(await takeLease(table, grant, { owner: 'me', nowMs: late.now * 1000, untilMs: 0 })).toBe(false);
      expect(await storePayerTokens(table, grant, { sealed: new Uint8Array(), ...late })).toBe(false);
    });

    it('accepts the same revocation again, as the SDK sends it after a lost answer', async () => {
      const { table } = await start();

      expect(await revoke(table, 'grant-1', 'byPartner', at)).toBe(true);
      expect(await revoke(table, 'grant-1', 'byPartner', at)).toBe(true);
      expect(await revoke(table, 'grant-1', 'byPartner', { ...at, requestId: 'request-2' })).toBe(false);
    });

    it('does not replace another of the same id', async () => {
      const { table } = await start();

      await expect(putGrant(table, { ...grant, codeHash: 'other' }, at)).rejects.toMatchObject({ status: 503 });
    });

    it('may be written again by the SDK', async () => {
      const { table, read } = await start();

      await putGrant(table, grant, at);
      expect(await read()).toEqual(grant);
    });
  });

  describe('redeeming, on the table', () => {
    it.each<[string, Partial<Grant>]>([
      ['another code', { codeHash: 'other' }],
      ['another partner', { partner: 'other' }],
      ['another redirect URI', { redirectUri: 'other' }],
      ['a challenge that the login did not have', { codeChallenge: 'challenge' }],
    ])('with %s changes nothing', async (_, change) => {
      const { table, read } = await start();

      expect(await redeem(table, { ...grant, ...change }, issue, at)).toBe(false);
      expect((await read()).redeemedAt).toBeUndefined();
    });

    it('without the challenge that the login had, or with another, changes nothing', async () => {
      const { table, read } = await start({ codeChallenge: 'challenge' });

      expect(await redeem(table, grant, issue, at)).toBe(false);
      expect(await redeem(table, { ...grant, codeChallenge: 'other' }, issue, at)).toBe(false);
      expect((await read()).redeemedAt).toBeUndefined();
      expect(await redeem(table, { ...grant, codeChallenge: 'challenge' }, issue, at)).toBe(true);
    });

    it('happens once, and gives the grant its full lifetime', async () => {
      const { table, read } = await start();

      const another = { ...issue, access: { ...access, hash: 'another' } };
      expect([await redeem(table, grant, issue, at), await redeem(table, grant, another, at)]).toEqual([true, false]);
      expect(await read()).toMatchObject({
        expiresAt: grant.endsAt,
        redeemedBy: 'request-1',
        access,
        familyHash: 'family-hash',
      });
    });
  });

  describe('rotating, on the table', () => {
    it('happens once for one refresh token, and keeps the previous access token', async () => {
      const { table, read } = await start();
      await redeem(table, grant, issue, at);
      const redeemed = await read();
      const next = { access: { ...access, hash: 'next' }, presentedHash: 'refresh-hash', salt: new Uint8Array([3]) };

      const won = [
        await rotate(table, redeemed, { ...next, refreshHash: 'one' }, at),
        await rotate(table, redeemed, { ...next, refreshHash: 'two' }, at),
      ];

      expect(won).toEqual([true, false]);
      expect(await read()).toMatchObject({
        refreshHash: 'one',
        previousRefreshHash: 'refresh-hash',
        access: { hash: 'next' },
        previousAccess: access,
        rotatedAt: now,
        rotationSalt: new Uint8Array([3]),
      });
    });
  });

  describe('the lease and the version of payer tokens', () => {
    it('belong to one owner until the lease ends or is released', async () => {
      const { table } = await start();
      const take = (owner: string, atMs: number, from?: string) =>
        takeLease(table, grant, { owner, from, nowMs: atMs, untilMs: atMs + 30_000 });

      expect(await take('one', nowMs)).toBe(true);
      expect(await take('one', nowMs)).toBe(true);
      expect(await take('two', nowMs + 29_000)).toBe(false);
      expect(await releaseLease(table, 'grant-1', 'two')).toBe(false);
      expect(await releaseLease(table, 'grant-1', 'one')).toBe(true);
      expect(await take('two', nowMs + 29_000)).toBe(true);
      expect(await take('three', nowMs + 59_001)).toBe(true);
      expect(await take('four', nowMs + 59_001, 'two')).toBe(false);
      expect(await take('four', nowMs + 59_001, 'three')).toBe(true);
      expect(await take('four', nowMs + 59_001, 'three')).toBe(true);
      expect(await take('three', nowMs + 59_001)).toBe(false);
    });

    it('let one refresh win, whoever holds the lease', async () => {
      const { table, read } = await start();
      const store = (sealed: number) => storePayerTokens(table, grant, { sealed: new Uint8Array([sealed]), ...at });
      await takeLease(table, grant, { owner: 'another', nowMs, untilMs: nowMs + 1 });

      expect([await store(7), await store(8)]).toEqual([true, false]);
      const stored = await read();
      expect(stored).toMatchObject({ payerVersion: 2, sealedPayerTokens: new Uint8Array([7]) });
      for (const gone of ['leaseOwner', 'leaseUntilMs']) expect(stored).not.toHaveProperty(gone);
      expect(await takeLease(table, grant, { owner: 'me', nowMs, untilMs: nowMs + 1 })).toBe(false);
      expect(await revoke(table, 'grant-1', 'refusedByPayer', { ...at, payerVersion: 1 })).toBe(false);
      expect(await revoke(table, 'grant-1', 'refusedByPayer', { ...at, payerVersion: 2 })).toBe(true);
    });
  });

  it('a client assertion is remembered for one request, until its time is over', async () => {
    const table = await emptyTable();
    const remember = (requestId: string, atSeconds: number) =>
      rememberAssertion(table, { jtiHash: 'hash', now: atSeconds, expiresAt: atSeconds + 300, requestId });

    expect(await remember('request-1', now)).toBe(true);
    expect(await remember('request-1', now + 1)).toBe(true);
    expect(await remember('request-2', now + 300)).toBe(false);
    expect(await remember('request-2', now + 301)).toBe(true);
    expect(await getGrant(table, 'hash')).toBeUndefined();
  });
};
