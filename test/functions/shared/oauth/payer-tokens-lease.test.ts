import type { Payer } from '../../../../config/stage.ts';
import {
  type OpenGrant,
  freshPayerTokens,
  openGrant,
  refreshPayerTokens,
} from '../../../../functions/shared/oauth/payer-tokens.ts';
import { takeLease } from '../../../../functions/shared/store/grants.ts';
import { type FetchGateway, type TestGrant, fetchGateway } from '../../../support/fetch-gateway.ts';

const rotated = {
  access_token: 'payer-access-2',
  refresh_token: 'payer-refresh-2',
  token_type: 'Bearer',
  expires_in: 300,
};

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

const northwind = async (test: FetchGateway): Promise<Payer> => {
  const payer = await test.deps.registry.payer('northwind');
  if (payer === undefined) throw new Error('no payer');
  return payer;
};
const open = ({ stored, grantKey }: TestGrant): OpenGrant => openGrant(stored(), grantKey);
const fresh = async (test: FetchGateway, grant: OpenGrant, requestId: string): Promise<OpenGrant> =>
  freshPayerTokens(test.deps, await northwind(test), grant, { requestId });

/** Another process has the lease for this long. */
const leaseElsewhere = async (test: FetchGateway, grant: TestGrant, ms: number): Promise<void> => {
  const nowMs = test.deps.clock.now();
  await takeLease(test.deps.grants, grant.stored(), { owner: 'elsewhere', nowMs, untilMs: nowMs + ms });
  test.dynamo.calls();
};

describe('the lease around a refresh of payer tokens', () => {
  it('lets others go on with the token that is still good', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    const before = open(grant);
    test.passSeconds(250);
    const payer = slowPayer(test);
    const holder = fresh(test, before, 'holder');
    await payer.asked();
    expect((await fresh(test, before, 'other')).tokens.accessToken).toBe('payer-access-1');
    payer.answer();
    expect((await holder).tokens.accessToken).toBe('payer-access-2');
    expect(test.payer.requests).toHaveLength(1);
  });

  it('lets others wait for its holder where the token has expired, and use what it got', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    const before = open(grant);
    test.passSeconds(301);
    const payer = slowPayer(test);
    const holder = fresh(test, before, 'holder');
    await payer.asked();
    const others = Array.from({ length: 5 }, (_, index) => fresh(test, before, `other-${index}`));
    await test.deps.sleep(10);
    payer.answer();
    const all = await Promise.all([holder, ...others]);
    expect(all.map(({ tokens }) => tokens.accessToken)).toEqual(Array.from({ length: 6 }, () => 'payer-access-2'));
    expect(test.payer.requests).toHaveLength(1);
  });

  it('passes to one of those who wait as soon as its holder fails', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    const before = open(grant);
    test.passSeconds(301);
    const payer = slowPayer(test);
    const holder = fresh(test, before, 'holder');
    await payer.asked();
    const other = fresh(test, before, 'other');
    await test.deps.sleep(10);
    payer.answer({}, 500);
    await expect(holder).rejects.toMatchObject({ status: 503 });
    await payer.asked();
    payer.answer();
    expect((await other).tokens.accessToken).toBe('payer-access-2');
  });

  it('is taken over from a holder that died, once it has run out', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.passSeconds(301);
    await leaseElsewhere(test, grant, 5000);
    const startedAt = test.deps.clock.now();
    test.payer.http = () => Promise.resolve(Response.json(rotated));
    expect((await fresh(test, open(grant), 'heir')).tokens.accessToken).toBe('payer-access-2');
    expect(test.deps.clock.now() - startedAt).toBeGreaterThan(5000);
    expect(test.deps.clock.now() - startedAt).toBeLessThan(6000);
  });

  it('is waited for no longer than 22 s: then 503, and the payer was not asked', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.passSeconds(301);
    await leaseElsewhere(test, grant, 30_000);
    await expect(fresh(test, open(grant), 'late')).rejects.toMatchObject({ status: 503, retryAfterSeconds: 5 });
    expect(test.payer.requests).toEqual([]);
  });

  it('ends the wait with 401 where the grant is revoked meanwhile', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    const before = open(grant);
    test.passSeconds(301);
    await leaseElsewhere(test, grant, 30_000);
    const waiting = fresh(test, before, 'waits');
    const items = test.dynamo.items('Grants');
    items.set(grant.grantId, { ...items.get(grant.grantId), revokedAt: { N: '1' } });
    await expect(waiting).rejects.toMatchObject({ status: 401, code: 'invalid_token' });
  });

  it('is not what correctness rests on: who loses the race to store uses the tokens of the winner', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    const before = open(grant);
    test.passSeconds(301);
    const payer = slowPayer(test);
    const loser = fresh(test, before, 'loser');
    await payer.asked();
    // The lease of the one has run out before its answer came.
    test.passSeconds(31);
    const winner = fresh(test, before, 'winner');
    while (test.payer.requests.length < 2) await test.deps.sleep(1);
    payer.answer();
    payer.answer({ ...rotated, access_token: 'payer-access-3' });
    const [one, two] = await Promise.all([loser, winner]);
    expect(one.tokens.accessToken).toBe(two.tokens.accessToken);
    expect(grant.payerTokens().accessToken).toBe(one.tokens.accessToken);
    expect(grant.stored().payerVersion).toBe(2);
    expect(test.payer.requests.filter(({ url }) => url.endsWith('/revoke'))).toEqual([]);
  });

  it('brings nobody a second refresh of a token that another one has replaced already', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    const stale = open(grant);
    test.passSeconds(301);
    test.payer.http = () => Promise.resolve(Response.json(rotated));
    await fresh(test, open(grant), 'first');
    const record = { requestId: 'second' };
    const again = await refreshPayerTokens(test.deps, await northwind(test), stale, record, { force: true });
    expect(again.tokens.accessToken).toBe('payer-access-2');
    expect(test.payer.requests).toHaveLength(1);
  });

  it('counts a store whose answer was lost, and which the SDK made again, as made', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.passSeconds(301);
    const { client } = test.deps.grants;
    const send = client.send.bind(client) as (command: object) => Promise<unknown>;
    const twice = async (command: { input?: { UpdateExpression?: string } }): Promise<unknown> => {
      if (command.input?.UpdateExpression?.includes('payerVersion = :next') === true) await send(command);
      return send(command);
    };
    const grants = { ...test.deps.grants, client: { send: twice } as unknown as typeof client };
    test.payer.http = () => Promise.resolve(Response.json(rotated));
    const result = await freshPayerTokens({ ...test.deps, grants }, await northwind(test), open(grant), {
      requestId: 'request',
    });
    expect(result.tokens.accessToken).toBe('payer-access-2');
    expect(grant.stored()).toMatchObject({ payerVersion: 2 });
    expect(test.payer.requests).toHaveLength(1);
  });
});
