import { randomBytes } from 'node:crypto';
import { DeleteItemCommand, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { parseScopes } from '../../../../functions/shared/scopes/scopes.ts';
import { loginAttemptAttributes } from '../../../../functions/shared/store/attributes.ts';
import { deriveKey, seal, sha256 } from '../../../../functions/shared/store/crypto.ts';
import type { Table } from '../../../../functions/shared/store/dynamo.ts';
import { consumeLoginAttempt, putLoginAttempt } from '../../../../functions/shared/store/login-attempts.ts';
import { changedValue } from '../../../support/changed-value.ts';

const now = 1_780_000_000;
const attempt = {
  payer: 'northwind',
  partner: 'demo-partner',
  redirectUri: 'http://localhost:3002/callback',
  scope: parseScopes('patient/*.rs'),
  refreshable: false,
  verifier: 'verifier',
};
const asked = { state: 'state', cookie: 'cookie', payer: 'northwind', now: now + 1, requestId: 'request-1' };

/** A login attempt that was written to a table, and what can be done with it. */
export const startAttempt = async (table: Table, change: object = {}) => {
  const put = (cookie = 'cookie') =>
    putLoginAttempt(
      table,
      { ...attempt, ...change },
      { state: 'state', cookie, now, expiresAt: now + 1800, iv: randomBytes(12) },
    );
  await put();
  return { put, consume: (over: object = {}) => consumeLoginAttempt(table, { ...asked, ...over }) };
};

/** What holds for login attempts in any DynamoDB: in memory, and over HTTP. */
export const loginAttemptCases = (emptyTable: () => Promise<Table>): void => {
  describe('a login attempt in the table', () => {
    it.each([
      [
        'with a challenge and a state',
        { codeChallenge: 'challenge', partnerState: 'partner-state', refreshable: true },
      ],
      ['without either', {}],
    ])('is consumed as it was written, %s', async (_, given) => {
      const { consume } = await startAttempt(await emptyTable(), given);

      expect(await consume()).toStrictEqual({ outcome: 'consumed', attempt: { ...attempt, ...given } });
    });

    const unknown = { outcome: 'unknown' };
    const expired = { outcome: 'expired', partner: 'demo-partner' };
    const otherBrowser = { outcome: 'otherBrowser', partner: 'demo-partner' };

    it.each([
      ['another state', { state: 'other' }, unknown],
      ['another payer', { payer: 'demo-health-plan' }, unknown],
      ['its time over', { now: now + 1800 }, expired],
      ['another cookie', { cookie: 'other' }, otherBrowser],
      ['no cookie', { cookie: undefined }, otherBrowser],
    ])('is not consumed with %s', async (_, change, outcome) => {
      const { consume } = await startAttempt(await emptyTable());

      expect(await consume(change)).toEqual(outcome);
      expect(await consume()).toMatchObject({ outcome: 'consumed' });
    });

    it('is finished for every other request, and the same for its own', async () => {
      const { consume } = await startAttempt(await emptyTable());
      const first = await consume();

      expect(await consume({ requestId: 'request-2' })).toEqual({ outcome: 'finished', partner: 'demo-partner' });
      expect(await consume()).toEqual(first);
    });

    it.each([
      ['another request at another payer', { requestId: 'request-2', payer: 'demo-health-plan' }, unknown],
      ['another request after it has expired', { requestId: 'request-2', now: now + 1800 }, expired],
      ['its own request at another payer', { payer: 'demo-health-plan' }, unknown],
      ['its own request once its time is over', { now: now + 1800 }, expired],
      ['its own request without a cookie', { cookie: undefined }, otherBrowser],
      ['its own request with another cookie', { cookie: 'other' }, otherBrowser],
    ])('that was consumed is unknown to %s', async (_, change, outcome) => {
      const { consume } = await startAttempt(await emptyTable());
      await consume();

      expect(await consume(change)).toEqual(outcome);
    });

    /** The first two are written when it is consumed. Only a member's session has `forms`. */
    const free = new Set(['usedAt', 'usedBy', 'forms']);
    const columns = Object.keys(loginAttemptAttributes).filter((name) => !free.has(name));

    const keyOfAttempt = { stateHash: { S: sha256('state') } };

    const writtenTo = async ({ client, name }: Table) =>
      (await client.send(new GetItemCommand({ TableName: name, Key: keyOfAttempt, ConsistentRead: true }))).Item ?? {};

    it.each(columns)('gives nothing once somebody changed its %s', async (name) => {
      const table = await emptyTable();
      const { consume } = await startAttempt(table, { codeChallenge: 'challenge', partnerState: 'partner-state' });
      const Item = await writtenTo(table);
      const item = { ...Item, [name]: changedValue(Item[name]) };
      if (name === 'stateHash')
        await table.client.send(new DeleteItemCommand({ TableName: table.name, Key: keyOfAttempt }));
      await table.client.send(new PutItemCommand({ TableName: table.name, Item: item }));

      const result = await consume().catch((error: unknown) => error);

      if (['stateHash', 'payer', 'cookieHash'].includes(name)) expect(result).not.toHaveProperty('attempt');
      else expect(result).toMatchObject({ code: 'server_error', detail: expect.stringContaining('does not open') });
    });

    it('is not given to another browser whose cookie somebody wrote into it', async () => {
      const table = await emptyTable();
      const { consume } = await startAttempt(table);
      const item = { ...(await writtenTo(table)), cookieHash: { S: sha256('other') } };
      await table.client.send(new PutItemCommand({ TableName: table.name, Item: item }));

      await expect(consume({ cookie: 'other' })).rejects.toMatchObject({ code: 'server_error' });
    });

    it('that an earlier version began is consumed after an upgrade', async () => {
      const table = await emptyTable();
      const { consume } = await startAttempt(table);
      const Item = await writtenTo(table);
      const stateKey = deriveKey(Buffer.from('state'), Buffer.alloc(0), 'p2p login attempt');
      const sealed = seal(stateKey, Buffer.from('{"verifier":"verifier"}'), sha256('state'), randomBytes(12));
      await table.client.send(new PutItemCommand({ TableName: table.name, Item: { ...Item, sealed: { B: sealed } } }));

      expect(await consume()).toStrictEqual({ outcome: 'consumed', attempt });
    });

    it('may be written again by the SDK, and by no one else', async () => {
      const { put } = await startAttempt(await emptyTable());

      await expect(put()).resolves.toBeUndefined();
      await expect(put('other')).rejects.toMatchObject({ status: 503 });
    });
  });
};
