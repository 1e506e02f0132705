import { randomBytes } from 'node:crypto';
import type { Grant } from '../../../../functions/shared/store/grant.ts';
import { unsealPayerTokens, sealPayerTokens } from '../../../../functions/shared/store/grant.ts';
import {
  getGrant,
  putGrant,
  redeem,
  releaseLease,
  revoke,
  rotate,
  storePayerTokens,
  takeLease,
} from '../../../../functions/shared/store/grants.ts';
import { memoryDynamo } from '../../../support/memory-dynamo.ts';
import { throttled } from '../../../support/login.ts';

const now = 1_780_000_000;
const at = { now, requestId: 'request-1' };
const grant = {
  grantId: 'grant-1',
  payer: 'northwind',
  partner: 'demo-partner',
  scope: 'patient/*.rs',
  refreshable: true,
  endsAt: now + 1000,
  expiresAt: now + 60,
  codeHash: 'code-hash',
  codeExpiresAt: now + 60,
  redirectUri: 'http://localhost:3002/callback',
  wrappedKey: new Uint8Array([1]),
  sealedPayerTokens: new Uint8Array([2]),
  payerVersion: 1,
} satisfies Grant;
const access = { hash: 'access-hash', expiresAt: now + 100, scope: 'patient/*.rs' };
const issue = { access, refreshHash: 'refresh-hash', familyHash: 'family-hash' };

const start = async (change: Partial<typeof grant & Grant> = {}) => {
  const dynamo = memoryDynamo();
  const table = { client: dynamo.client, name: 'Grants' };
  await putGrant(table, { ...grant, ...change }, at);
  return { dynamo, table, read: async () => (await getGrant(table, 'grant-1'))! };
};

const everyUpdate = (table: Parameters<typeof getGrant>[0]): [string, () => Promise<boolean>][] => [
  ['redeem', () => redeem(table, grant, issue, at)],
  ['rotate', () => rotate(table, grant, { ...issue, presentedHash: 'refresh-hash', salt: new Uint8Array([3]) }, at)],
  ['revoke', () => revoke(table, 'grant-1', 'byPartner', at)],
  ['takeLease', () => takeLease(table, grant, { owner: 'me', nowMs: now * 1000, untilMs: now * 1000 + 1 })],
  ['releaseLease', () => releaseLease(table, 'grant-1', 'me')],
  ['storePayerTokens', () => storePayerTokens(table, grant, { sealed: new Uint8Array([4]), ...at })],
];

describe('a grant in the table', () => {
  it('is read as it was written', async () => {
    const { read } = await start({ patient: 'p', codeChallenge: 'challenge' });

    expect(await read()).toEqual({ ...grant, patient: 'p', codeChallenge: 'challenge' });
  });

  it('never comes back half-written after TTL removed it', async () => {
    const { dynamo, table } = await start();
    dynamo.items('Grants').clear();

    for (const [name, update] of everyUpdate(table)) expect([name, await update()]).toEqual([name, false]);
    expect([...dynamo.items('Grants')]).toEqual([]);
    expect(await getGrant(table, 'grant-1')).toBeUndefined();
  });

  it('that was revoked takes no further step', async () => {
    const { table, read } = await start();
    expect(await revoke(table, 'grant-1', 'byPartner', at)).toBe(true);
    const tombstone = await read();

    for (const [name, update] of everyUpdate(table)) expect([name, await update()]).toEqual([name, false]);
    expect(await read()).toEqual(tombstone);
    expect(tombstone).toMatchObject({ revokedAt: now, sealedPayerTokens: new Uint8Array() });
    expect(tombstone.wrappedKey).toBeUndefined();
  });

  it('that has expired, though its item is still there, is neither redeemed, rotated nor refreshed', async () => {
    const { table } = await start();
    const late = { ...at, now: now + 60 };

    expect(await redeem(table, grant, issue, late)).toBe(false);
    expect(await takeLease(table, grant, { owner: 'me', nowMs: late.now * 1000, untilMs: 0 })).toBe(false);
    expect(await storePayerTokens(table, grant, { sealed: new Uint8Array(), ...late })).toBe(false);
  });

  it('becomes unavailable, not open, while the table is out of order', async () => {
    const { dynamo, table } = await start();

    for (const [, update] of everyUpdate(table)) {
      dynamo.failNext('UpdateItem', throttled());
      await expect(update()).rejects.toMatchObject({ status: 503, detail: expect.stringContaining('Throughput') });
    }
    dynamo.failNext('GetItem', throttled());
    await expect(getGrant(table, 'grant-1')).rejects.toMatchObject({ status: 503 });
  });

  it('does not take the place of another of the same id', async () => {
    const { table } = await start();

    await expect(putGrant(table, { ...grant, codeHash: 'other' }, at)).rejects.toMatchObject({ status: 503 });
  });
});

describe('redeeming, on the table', () => {
  it.each<[string, Partial<Grant>]>([
    ['another code', { codeHash: 'other' }],
    ['another partner', { partner: 'other' }],
    ['another redirect URI', { redirectUri: 'other' }],
    ['a challenge that the login did not have', { codeChallenge: 'challenge' }],
  ])('with %s burns nothing', async (_, change) => {
    const { table, read } = await start();

    expect(await redeem(table, { ...grant, ...change }, issue, at)).toBe(false);
    expect((await read()).redeemedAt).toBeUndefined();
  });

  it('without the challenge that the login had, or with another, burns nothing', async () => {
    const { table, read } = await start({ codeChallenge: 'challenge' });

    expect(await redeem(table, grant, issue, at)).toBe(false);
    expect(await redeem(table, { ...grant, codeChallenge: 'other' }, issue, at)).toBe(false);
    expect((await read()).redeemedAt).toBeUndefined();
    expect(await redeem(table, { ...grant, codeChallenge: 'challenge' }, issue, at)).toBe(true);
  });

  it('happens once, and gives the grant its whole life', async () => {
    const { table, read } = await start();

    const won = await Promise.all([1, 2, 3].map(() => redeem(table, grant, issue, at)));

    expect(won.filter(Boolean)).toHaveLength(1);
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
    });
  });
});

describe('the lease and the version of payer tokens', () => {
  const nowMs = now * 1000;

  it('is one owner’s until it ends or is given back', async () => {
    const { table } = await start();
    const take = (owner: string, atMs: number) =>
      takeLease(table, grant, { owner, nowMs: atMs, untilMs: atMs + 30_000 });

    expect(await take('one', nowMs)).toBe(true);
    expect(await take('one', nowMs)).toBe(true);
    expect(await take('two', nowMs + 29_000)).toBe(false);
    expect(await releaseLease(table, 'grant-1', 'two')).toBe(false);
    expect(await releaseLease(table, 'grant-1', 'one')).toBe(true);
    expect(await take('two', nowMs + 29_000)).toBe(true);
    expect(await take('three', nowMs + 59_001)).toBe(true);
  });

  it('lets one refresh win, whoever holds the lease', async () => {
    const { table, read } = await start();
    const store = (sealed: number) => storePayerTokens(table, grant, { sealed: new Uint8Array([sealed]), ...at });

    expect([await store(7), await store(8)]).toEqual([true, false]);
    expect(await read()).toMatchObject({ payerVersion: 2, sealedPayerTokens: new Uint8Array([7]) });
    expect(await takeLease(table, grant, { owner: 'me', nowMs, untilMs: nowMs + 1 })).toBe(false);
    expect(await revoke(table, 'grant-1', 'refusedByPayer', { ...at, payerVersion: 1 })).toBe(false);
    expect(await revoke(table, 'grant-1', 'refusedByPayer', { ...at, payerVersion: 2 })).toBe(true);
  });
});

describe('sealed payer tokens', () => {
  it('open with the grant’s key, at that grant only', () => {
    const grantKey = randomBytes(32);
    const tokens = { accessToken: 'a', refreshToken: 'r', expiresAt: now };
    const sealedPayerTokens = sealPayerTokens(tokens, { grantId: 'grant-1', grantKey, iv: randomBytes(12) });

    expect(unsealPayerTokens({ ...grant, sealedPayerTokens }, grantKey)).toEqual(tokens);
    expect(() => unsealPayerTokens({ ...grant, sealedPayerTokens, grantId: 'grant-2' }, grantKey)).toThrow();
  });
});
