import { createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { grantAttributes } from '../../../../functions/shared/store/attributes.ts';
import { seal } from '../../../../functions/shared/store/crypto.ts';
import { dynamoClient, dynamoLimits } from '../../../../functions/shared/store/dynamo.ts';
import {
  checkUnchanged,
  isLive,
  readGrant,
  sealPayerTokens,
  unsealPayerTokens,
  type BoundGrant,
} from '../../../../functions/shared/store/grant-item.ts';
import {
  addRepeat,
  getGrant,
  getLiveScope,
  putGrant,
  redeem,
  revoke,
  rotate,
  storePayerTokens,
} from '../../../../functions/shared/store/grants.ts';
import { changedValue } from '../../../support/changed-value.ts';
import { throttled } from '../../../support/login.ts';
import { memoryDynamo } from '../../../support/memory-dynamo.ts';
import { readsOf } from '../../../support/stale-reads.ts';
import { words } from '../../../support/words.ts';
import { at, everyUpdate, grant, grantCases, issue, now } from './grants-cases.ts';
import { loginAttemptCases, startAttempt } from './login-attempts-cases.ts';

const changedGrant = 'the grant does not open: its item was changed';

const start = async () => {
  const dynamo = memoryDynamo();
  const table = { client: dynamo.client, name: 'Grants' };
  await putGrant(table, grant, at);
  return { dynamo, table };
};

grantCases(async () => ({ client: memoryDynamo().client, name: 'Grants' }));

it('a grant is unavailable, not open, while the table fails', async () => {
  const { dynamo, table } = await start();

  for (const [, update] of everyUpdate(table)) {
    dynamo.failNext('UpdateItem', throttled());
    await expect(update()).rejects.toMatchObject({ status: 503, detail: expect.stringContaining('Throughput') });
  }
  dynamo.failNext('GetItem', throttled());
  await expect(getGrant(table, 'grant-1')).rejects.toMatchObject({
    status: 503,
    detail: expect.stringContaining('Throughput'),
  });
});

it('fifty repeats of one rotation get a refresh token of their own, each as often as it asks, and no other', async () => {
  const { table } = await start();
  await redeem(table, grant, issue, at);
  const presentedHash = issue.refreshHash;
  await rotate(table, grant, { ...issue, presentedHash, refreshHash: 'next-hash', salt: new Uint8Array([3]) }, at);
  const repeat = (refreshHash: string) => addRepeat(table, grant, { presentedHash, refreshHash, now });
  for (let count = 1; count <= 50; count += 1) expect(await repeat(`repeat-${count}`)).toBe(true);

  expect([await repeat('repeat-51'), await repeat('repeat-50'), await repeat('repeat-1')]).toEqual([false, true, true]);
});

it('a call of DynamoDB ends by an error within ten seconds, all tries together', () => {
  const { maxAttempts, requestHandler } = dynamoLimits;
  const { connectionTimeout, requestTimeout, throwOnRequestTimeout } = requestHandler;
  expect([maxAttempts, throwOnRequestTimeout]).toEqual([3, true]);
  expect(maxAttempts * requestTimeout).toBeLessThan(10_000);
  expect(maxAttempts * requestTimeout).toBeGreaterThanOrEqual(6000);
  expect(connectionTimeout).toBeLessThan(requestTimeout);
});

describe('whether a grant still lives, as the job of an export asks', () => {
  const isLiveAt = async (table: Parameters<typeof getLiveScope>[0], seconds: number) =>
    (await getLiveScope(table, 'grant-1', seconds)) !== undefined;

  it('is so until its end, and not once it was revoked or removed', async () => {
    const { dynamo, table } = await start();
    const { expiresAt = 0 } = (await getGrant(table, 'grant-1')) ?? {};

    expect([await isLiveAt(table, expiresAt - 1), await isLiveAt(table, expiresAt)]).toEqual([true, false]);
    await revoke(table, 'grant-1', 'byPartner', at);
    expect(await isLiveAt(table, expiresAt - 1)).toBe(false);
    dynamo.items('Grants').clear();
    expect(await isLiveAt(table, expiresAt - 1)).toBe(false);
  });

  it('is read strongly consistent, without what the grant holds, and by placeholders: DynamoDB reserves the word scope', async () => {
    const { dynamo, table } = await start();
    dynamo.forget();
    await isLiveAt(table, now);

    expect(dynamo.sent()).toEqual([
      {
        name: 'GetItem',
        input: {
          TableName: 'Grants',
          Key: { grantId: { S: 'grant-1' } },
          ConsistentRead: true,
          ProjectionExpression: '#grantId, #revokedAt, #expiresAt, #scope',
          ExpressionAttributeNames: {
            '#grantId': 'grantId',
            '#revokedAt': 'revokedAt',
            '#expiresAt': 'expiresAt',
            '#scope': 'scope',
          },
        },
      },
    ]);
  });

  it('is unavailable, not a no, while the table fails', async () => {
    const { dynamo, table } = await start();
    dynamo.failNext('GetItem', throttled());

    await expect(isLiveAt(table, now)).rejects.toMatchObject({ status: 503 });
  });
});

it('a grant that TTL removed leaves no item behind, whatever update follows', async () => {
  const { dynamo, table } = await start();
  dynamo.items('Grants').clear();

  for (const [, update] of everyUpdate(table)) await update();
  expect([...dynamo.items('Grants')]).toEqual([]);
});

it('a grant’s item has its last event for the audit: what, when, and in which request', async () => {
  const { dynamo, table } = await start();
  const told = () => dynamo.items('Grants').get('grant-1')?.['lastEvent']?.M;
  const eventAt = (by: typeof at, type: string) => ({
    type: { S: type },
    at: { N: String(by.now) },
    requestId: { S: by.requestId },
  });
  expect(told()).toEqual(eventAt(at, 'created'));

  const sealed = new Uint8Array([9]);
  const rotation = { ...issue, presentedHash: 'refresh-hash', refreshHash: 'next', salt: new Uint8Array([3]) };
  const steps: [string, (by: typeof at) => Promise<boolean>][] = [
    ['redeemed', (by) => redeem(table, grant, issue, by)],
    ['refreshed', (by) => rotate(table, grant, rotation, by)],
    ['payerRefreshed', (by) => storePayerTokens(table, grant, { sealed, ...by })],
  ];
  for (const [index, [type, step]] of steps.entries()) {
    const by = { now: now + index, requestId: `request-of-${type}` };
    expect(await step(by)).toBe(true);
    expect(told()).toEqual(eventAt(by, type));
  }
  await revoke(table, 'grant-1', 'byPartner', at);
  expect(told()).toEqual({ ...eventAt(at, 'revoked'), reason: { S: 'byPartner' } });
});

it('a grant ends in the very second that it expires', () => {
  expect(isLive({ ...grant, expiresAt: now + 1 }, now)).toBe(true);
  expect(isLive({ ...grant, expiresAt: now }, now)).toBe(false);
});

it('only one of concurrent redemptions succeeds', async () => {
  const { table } = await start();

  const won = await Promise.all(
    ['request-1', 'request-2', 'request-3'].map((requestId) => redeem(table, grant, issue, { now, requestId })),
  );

  expect(won.filter(Boolean)).toHaveLength(1);
});

describe('sealed payer tokens', () => {
  const grantKey = randomBytes(32);
  const tokens = { accessToken: 'a', refreshToken: 'r', expiresAt: now };
  const bound = { ...grant, patient: 'patient-1', codeChallenge: 'challenge' };
  const sealed = (by: BoundGrant = bound): Uint8Array =>
    sealPayerTokens(tokens, { grant: by, grantKey, iv: randomBytes(12) });
  /** The item of a grant, redeemed and refreshed once. */
  const itemOf = async (sealedPayerTokens: Uint8Array) => {
    const dynamo = memoryDynamo();
    const table = { client: dynamo.client, name: 'Grants' };
    await putGrant(table, { ...bound, sealedPayerTokens, memberIndex: 'index' }, at);
    await redeem(table, bound, issue, at);
    await rotate(table, bound, { ...issue, presentedHash: issue.refreshHash, salt: new Uint8Array([3]) }, at);
    return dynamo.items('Grants').get(grant.grantId) ?? {};
  };

  it('open with the grant’s key, at that grant only', () => {
    expect(unsealPayerTokens({ ...bound, sealedPayerTokens: sealed() }, grantKey)).toEqual(tokens);
    const elsewhere = { ...bound, sealedPayerTokens: sealed(), grantId: 'grant-2' };
    expect(() => unsealPayerTokens(elsewhere, grantKey)).toThrow('authenticate');
    expect(() => unsealPayerTokens({ ...bound, sealedPayerTokens: sealed() }, randomBytes(32))).toThrow('authenticate');
  });

  /** What changes in a grant's life without new payer tokens, or opens nothing; `grant-item.ts` says why it is harmless. */
  const free = new Set(
    words(`
      accessHash accessExpiresAt accessScope previousAccessHash previousAccessExpiresAt previousAccessScope
      familyHash refreshHash previousRefreshHash rotatedAt rotationSalt repeatHashes redeemedAt redeemedBy
      wrappedKey linkKey payerVersion leaseOwner leaseUntilMs lastEvent createdAt usedAt revokedAt revokedBy
      memberIndex via attestedAt seenBy
    `),
  );
  const columns = Object.keys(grantAttributes).filter((name) => !free.has(name));

  it.each(columns)('do not open once somebody changed the %s of the grant, or took it away', async (name) => {
    const item = await itemOf(sealed());
    expect(unsealPayerTokens(readGrant(item), grantKey)).toEqual(tokens);
    const isKey = ['grantId', 'sealedPayerTokens'].includes(name);
    const error = isKey
      ? /authenticate|Invalid/
      : expect.objectContaining({ code: 'server_error', detail: changedGrant });

    expect(() => unsealPayerTokens(readGrant({ ...item, [name]: changedValue(item[name]) }), grantKey)).toThrow(error);
    // Without an end a grant has ended.
    if (name === 'expiresAt') return;
    const { [name]: _, ...without } = item;
    expect(() => unsealPayerTokens(readGrant(without), grantKey)).toThrow(error);
  });

  it.each(['patient', 'codeChallenge'] as const)('do not open once somebody gave a grant without one a %s', (name) => {
    const { [name]: _, ...without } = bound;
    const stored = { ...without, sealedPayerTokens: sealed(without), [name]: 'x' };
    expect(() => unsealPayerTokens(stored, grantKey)).toThrow(expect.objectContaining({ detail: changedGrant }));
  });

  it('open with the scope in whatever form it was given', () => {
    const scope = [...grant.scope, ...grant.scope];
    const sealedPayerTokens = sealed({ ...bound, scope });
    expect(unsealPayerTokens({ ...bound, sealedPayerTokens }, grantKey)).toEqual(tokens);
  });

  it('of an earlier version open, which are bound to the id alone', async () => {
    const plain = Buffer.from(JSON.stringify(tokens));
    const item = await itemOf(seal(grantKey, plain, 'payer tokens of grant-1', randomBytes(12)));
    expect(unsealPayerTokens(readGrant(item), grantKey)).toEqual(tokens);
    expect(() => checkUnchanged(readGrant(item), grantKey)).not.toThrow();
  });

  it('that the key does not open count as changed where the key is known to be the grant’s', () => {
    const stored = { ...bound, sealedPayerTokens: sealed() };
    expect(() => checkUnchanged(stored, grantKey)).not.toThrow();
    expect(() => checkUnchanged(stored, randomBytes(32))).toThrow(expect.objectContaining({ detail: changedGrant }));
  });
});

loginAttemptCases(async () => ({ client: memoryDynamo().client, name: 'LoginAttempts' }));

it('a login attempt that is found usable only after its condition failed grants nothing', async () => {
  const dynamo = memoryDynamo();
  const { consume } = await startAttempt({ client: dynamo.client, name: 'LoginAttempts' });
  const [item] = dynamo.items('LoginAttempts').values();
  dynamo.items('LoginAttempts').clear();
  readsOf(dynamo, item);

  expect(await consume()).toEqual({ outcome: 'unknown' });
});

it('a login attempt costs one write to begin and one to end, and a browser without its cookie causes none', async () => {
  const dynamo = memoryDynamo();
  const { consume } = await startAttempt({ client: dynamo.client, name: 'LoginAttempts' });
  expect(dynamo.calls()).toEqual(['PutItem']);

  await consume({ cookie: undefined });
  expect(dynamo.calls()).toEqual(['GetItem']);
  await consume();
  expect(dynamo.calls()).toEqual(['UpdateItem']);
});

it('a login attempt is sealed the same way in every release after 0.2, since one under way would end otherwise', async () => {
  const dynamo = memoryDynamo();
  await startAttempt({ client: dynamo.client, name: 'LoginAttempts' }, { partnerState: 'partner-state' });
  const sealed = Buffer.from([...dynamo.items('LoginAttempts').values()][0]?.['sealed']?.B ?? []);

  const key = new Uint8Array(hkdfSync('sha256', 'state', '', 'p2p login attempt', 32));
  const hashed = (text: string) => createHash('sha256').update(text).digest('base64url');
  const boundTo =
    `["${hashed('state')}",null,"northwind","demo-partner","http://localhost:3002/callback","patient/*.rs",false,null,` +
    `"${hashed('cookie')}",1780000000,1780001800]`;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12))
    .setAAD(Buffer.from(boundTo))
    .setAuthTag(sealed.subarray(-16));
  const plain = decipher.update(sealed.subarray(12, -16)).toString() + decipher.final('utf8');

  expect(JSON.parse(plain)).toEqual({ verifier: 'verifier', partnerState: 'partner-state' });
});

it('DynamoDB’s client gives up early, since a member waits', async () => {
  const client = dynamoClient();

  expect(await client.config.maxAttempts()).toBe(3);
});
