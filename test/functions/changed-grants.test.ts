import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { fetchGateway, read } from '../support/fetch-gateway.ts';
import { bodyOf, gateway } from '../support/login.ts';

/*
 * Somebody may write to the table Grants, and to nothing else. Whatever they make of a grant, its payer's tokens go nowhere,
 * and no tokens of ours are given.
 */

const damaged = {
  error: 'server_error',
  detail: 'the grant does not open: its item was changed',
};

/** Values that would help somebody who can write to the table: tokens for another payer, a record for another partner or member, or for longer. */
const changes: readonly (readonly [string, Readonly<Record<string, AttributeValue>>])[] = [
  ['payer', { payer: { S: 'demo-health-plan' } }],
  ['partner', { partner: { S: 'demo-app' } }],
  ['member', { patient: { S: 'patient-2' } }],
  ['scope', { scope: { S: 'patient/*.rs user/*.rs offline_access' } }],
  ['end', { endsAt: { N: '9999999999' }, expiresAt: { N: '9999999999' } }],
];

describe('a grant of which somebody changed the', () => {
  it.each(changes)('%s is not read with: no payer is asked', async (_, change) => {
    const test = fetchGateway();
    test.payer.http = () => Promise.reject(new Error('asked'));
    const { grantId, token } = await test.grant({ tokens: { accessToken: 'a', refreshToken: 'r', expiresAt: 1 } });
    const items = test.dynamo.items('Grants');
    items.set(grantId, { ...items.get(grantId), ...change });

    const answer = await read(test.deps, 'Observation', token, { payer: change['payer']?.S ?? 'northwind' });

    expect(answer.statusCode).toBe(500);
    expect(test.log().at(-1)).toMatchObject(damaged);
    expect(test.payer.requests).toEqual([]);
  });

  const basicOf = (change: (typeof changes)[number][1]) => change['partner'] !== undefined;

  it.each(changes)(
    '%s gives no tokens for its code or refresh token, and is no answer to an introspection',
    async (_, change) => {
      const test = gateway();
      const write = () => {
        const items = test.dynamo.items('Grants');
        for (const [id, item] of items) items.set(id, { ...item, ...change });
      };
      const pair = await test.connect();
      const code = await test.login();
      write();
      test.payer.requests.length = 0;

      const app = { client_id: 'demo-app', redirect_uri: 'http://localhost:3002/callback' };
      const asPublic = basicOf(change);
      const answers = [
        await test.redeem(code, asPublic ? app : {}, asPublic ? {} : undefined),
        await test.refresh(pair.refresh_token, asPublic ? { client_id: 'demo-app' } : {}, asPublic ? {} : undefined),
        // A public client may not introspect.
        ...(asPublic ? [] : [await test.introspect({ token: pair.access_token })]),
        ...(asPublic ? [] : [await test.introspect({ token: pair.refresh_token })]),
      ];

      expect(answers.map(({ statusCode }) => statusCode)).toEqual(answers.map(() => 500));
      expect(answers.map((answer) => bodyOf(answer).error)).toEqual(answers.map(() => 'server_error'));
      expect(test.lastLine()).toMatchObject(damaged);
      expect(test.payer.requests).toEqual([]);
    },
  );

  it('payer ends when its partner revokes it, and the tokens go to no payer', async () => {
    const test = gateway();
    const { access_token: token } = await test.connect();
    const items = test.dynamo.items('Grants');
    for (const [id, item] of items) items.set(id, { ...item, payer: { S: 'demo-health-plan' } });
    test.payer.requests.length = 0;

    expect((await test.revoke({ token })).statusCode).toBe(500);

    expect(test.lastLine()).toMatchObject(damaged);
    expect(test.payer.requests).toEqual([]);
    expect([...items.values()].map((item) => item['revokedAt'] !== undefined)).toEqual([true]);
    expect((await test.revoke({ token })).statusCode).toBe(200);
  });
});
