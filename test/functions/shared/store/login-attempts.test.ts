import { randomBytes } from 'node:crypto';
import { consumeLoginAttempt, putLoginAttempt } from '../../../../functions/shared/store/login-attempts.ts';
import { dynamoClient } from '../../../../functions/shared/store/dynamo.ts';
import { memoryDynamo } from '../../../support/memory-dynamo.ts';
import { readsOf } from '../../../support/stale-reads.ts';

const now = 1_780_000_000;
const attempt = {
  payer: 'northwind',
  partner: 'demo-partner',
  redirectUri: 'http://localhost:3002/callback',
  scope: 'patient/*.rs',
  refreshable: false,
  verifier: 'verifier',
};
const asked = { state: 'state', cookie: 'cookie', payer: 'northwind', now: now + 1, requestId: 'request-1' };

const start = async (change: object = {}) => {
  const dynamo = memoryDynamo();
  const table = { client: dynamo.client, name: 'LoginAttempts' };
  const put = (cookie = 'cookie') =>
    putLoginAttempt(
      table,
      { ...attempt, ...change },
      {
        state: 'state',
        cookie,
        now,
        expiresAt: now + 1800,
        iv: randomBytes(12),
      },
    );
  await put();
  return { dynamo, table, put, consume: (over: object = {}) => consumeLoginAttempt(table, { ...asked, ...over }) };
};

describe('a login attempt in the table', () => {
  it('is consumed as it was written', async () => {
    const whole = { codeChallenge: 'challenge', partnerState: 'partner-state', refreshable: true };
    const { consume } = await start(whole);

    expect(await consume()).toEqual({ outcome: 'consumed', attempt: { ...attempt, ...whole } });
  });

  it.each([
    ['another state', { state: 'other' }, 'unknown'],
    ['another payer', { payer: 'demo-health-plan' }, 'unknown'],
    ['its time over', { now: now + 1800 }, 'unknown'],
    ['another cookie', { cookie: 'other' }, 'otherBrowser'],
    ['no cookie', { cookie: undefined }, 'otherBrowser'],
  ])('is not consumed with %s', async (_, change, outcome) => {
    const { consume } = await start();

    expect(await consume(change)).toEqual({ outcome });
    expect(await consume()).toMatchObject({ outcome: 'consumed' });
  });

  it('is finished for every other request, and the same for its own', async () => {
    const { consume } = await start();
    const first = await consume();

    expect(await consume({ requestId: 'request-2' })).toEqual({ outcome: 'finished', partner: 'demo-partner' });
    expect(await consume()).toEqual(first);
  });

  it('that is usable only after its condition failed is not given', async () => {
    const { dynamo, consume } = await start();
    const [item] = dynamo.items('LoginAttempts').values();
    dynamo.items('LoginAttempts').clear();
    readsOf(dynamo, item);

    expect(await consume()).toEqual({ outcome: 'unknown' });
  });

  it('may be written again by the SDK, and by nobody else', async () => {
    const { put } = await start();

    await expect(put()).resolves.toBeUndefined();
    await expect(put('other')).rejects.toMatchObject({ status: 503 });
  });
});

it('DynamoDB’s client gives up soon, since a member waits', async () => {
  const client = dynamoClient();

  expect(await client.config.maxAttempts()).toBe(3);
});
