import { randomBytes } from 'node:crypto';
import { parseScopes } from '../../../../functions/shared/scopes/scopes.ts';
import type { Table } from '../../../../functions/shared/store/dynamo.ts';
import { consumeLoginAttempt, putLoginAttempt } from '../../../../functions/shared/store/login-attempts.ts';

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

    it('may be written again by the SDK, and by no one else', async () => {
      const { put } = await startAttempt(await emptyTable());

      await expect(put()).resolves.toBeUndefined();
      await expect(put('other')).rejects.toMatchObject({ status: 503 });
    });
  });
};
