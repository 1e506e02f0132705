import { ensureFreshPayerTokens, refreshPayerTokens } from '../../../../functions/shared/payer/refresh-tokens.ts';
import { takeLease } from '../../../../functions/shared/store/grants.ts';
import type { FetchGateway, TestGrant } from '../../../support/fetch-gateway.ts';
import { agedGrant, answers, fresh, freshToken, intercepted, northwind, opened, rotated } from './aged-grant.ts';

/** A payer whose token endpoint answers when it is told to. */
const slowPayer = (test: FetchGateway) => {
  const waiting: ((response: Response) => void)[] = [];
  test.payer.http = () => new Promise((resolve) => waiting.push(resolve));
  return {
    asked: async (): Promise<void> => {
      while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
    },
    answer: (value: unknown = rotated, status = 200): void => waiting.shift()?.(Response.json(value, { status })),
  };
};

/** A grant that is being refreshed: the lease's holder waits for the payer. */
const beingRefreshed = async (seconds: number) => {
  const aged = await agedGrant(seconds);
  const payer = slowPayer(aged.test);
  const holder = freshToken(aged.test, aged.before, 'holder');
  await Promise.race([payer.asked(), holder]);
  return { ...aged, payer, holder };
};

/** Another process has the lease for this long. */
const leaseElsewhere = async (test: FetchGateway, grant: TestGrant, ms: number): Promise<void> => {
  const nowMs = test.deps.clock.now();
  await takeLease(test.deps.grants, grant.stored(), { owner: 'elsewhere', nowMs, untilMs: nowMs + ms });
  test.dynamo.calls();
};

describe('the lease around a refresh of payer tokens', () => {
  it('lets others continue with the token that is still valid', async () => {
    const { test, before, payer, holder } = await beingRefreshed(250);

    expect(await freshToken(test, before, 'other')).toBe('payer-access-1');
    payer.answer();

    expect(await holder).toBe('payer-access-2');
    expect(test.payer.requests).toHaveLength(1);
  });

  it('makes others wait for its holder if the token has expired, and use its tokens', async () => {
    const { test, before, payer, holder } = await beingRefreshed(301);

    const others = Array.from({ length: 5 }, (_, index) => freshToken(test, before, `other-${index}`));
    await test.deps.sleep(10);
    payer.answer();

    expect(await Promise.all([holder, ...others])).toEqual(Array.from({ length: 6 }, () => 'payer-access-2'));
    expect(test.payer.requests).toHaveLength(1);
  });

  it('passes to one of those who wait as soon as its holder fails', async () => {
    const { test, before, payer, holder } = await beingRefreshed(301);

    const other = freshToken(test, before, 'other');
    await test.deps.sleep(10);
    payer.answer({}, 500);

    await expect(holder).rejects.toMatchObject({ status: 503 });
    await payer.asked();
    payer.answer();
    expect(await other).toBe('payer-access-2');
  });

  it('is taken over from a dead holder as soon as it has expired, and not at its last moment', async () => {
    const { test, grant, before } = await agedGrant(301);
    // The 33rd check, 150 ms after the one before it, comes at that moment.
    await leaseElsewhere(test, grant, 33 * 150);
    const startedAt = test.deps.clock.now();
    test.payer.http = answers(rotated);

    expect(await freshToken(test, before, 'heir')).toBe('payer-access-2');
    expect(test.deps.clock.now() - startedAt).toBe(34 * 150);
    const [refused, ...rest] = test.dynamo.calls();
    expect([refused, ...rest.filter((call) => call !== 'GetItem')]).toEqual(['UpdateItem', 'UpdateItem', 'UpdateItem']);
  });

  it('is waited for no longer than 22 s: then 503, and the payer was not asked', async () => {
    const { test, grant, before } = await agedGrant(301);
    await leaseElsewhere(test, grant, 30_000);
    const startedAt = test.deps.clock.now();

    await expect(fresh(test, before, 'late')).rejects.toMatchObject({
      status: 503,
      retryAfterSeconds: 5,
      detail: 'another refresh of the payer tokens takes too long',
    });
    expect(Math.floor((test.deps.clock.now() - startedAt) / 1000)).toBe(22);
    expect(test.payer.requests).toEqual([]);
  });

  it('is not looked at again after exactly 22 s', async () => {
    const { test, grant, before } = await agedGrant(301);
    await leaseElsewhere(test, grant, 30_000);
    const deps = { ...test.deps, sleep: () => Promise.resolve(test.passSeconds(11)) };

    const late = ensureFreshPayerTokens(deps, await northwind(test), before, { requestId: 'late' });

    await expect(late).rejects.toMatchObject({ status: 503 });
    expect(test.dynamo.calls()).toEqual(['UpdateItem', 'GetItem', 'GetItem']);
  });

  it('ends the wait with 401 if the grant is revoked in the meantime', async () => {
    const { test, grant, before } = await agedGrant(301);
    await leaseElsewhere(test, grant, 30_000);

    const waiting = fresh(test, before, 'waits');
    const items = test.dynamo.items('Grants');
    items.set(grant.grantId, { ...items.get(grant.grantId), revokedAt: { N: '1' } });

    await expect(waiting).rejects.toMatchObject({ status: 401, code: 'invalid_token' });
  });

  it('is not needed for correctness: the loser of the race to store uses the winner’s tokens', async () => {
    const { test, grant, before, payer, holder: loser } = await beingRefreshed(301);

    // The first holder's lease expired before its answer came.
    test.passSeconds(31);
    const winner = freshToken(test, before, 'winner');
    while (test.payer.requests.length < 2) await test.deps.sleep(1);
    payer.answer();
    payer.answer({ ...rotated, access_token: 'payer-access-3' });

    const [one, two] = await Promise.all([loser, winner]);
    expect(one).toBe(two);
    expect(grant.payerTokens().accessToken).toBe(one);
    expect(grant.stored().payerVersion).toBe(2);
    expect(test.payer.requests.filter(({ url }) => url.endsWith('/revoke'))).toEqual([]);
  });

  it('never leads to a second refresh of a token that has already been replaced', async () => {
    const { test, grant, before: stale } = await agedGrant(301);
    test.payer.http = answers(rotated);
    await fresh(test, opened(grant), 'first');

    const again = await refreshPayerTokens(test.deps, await northwind(test), stale, { requestId: 'second' });

    expect(again.tokens.accessToken).toBe('payer-access-2');
    expect(test.payer.requests).toHaveLength(1);
  });

  it('counts a store whose answer was lost, and which the SDK repeated, as made', async () => {
    const { test, grant, before } = await agedGrant(301);
    const deps = intercepted(test, async (update, send) => {
      if (update.includes('payerVersion = :next')) await send();
      return send();
    });
    test.payer.http = answers(rotated);

    const result = await ensureFreshPayerTokens(deps, await northwind(test), before, { requestId: 'request' });

    expect(result.tokens.accessToken).toBe('payer-access-2');
    expect(grant.stored()).toMatchObject({ payerVersion: 2 });
    expect(test.payer.requests).toHaveLength(1);
  });
});
