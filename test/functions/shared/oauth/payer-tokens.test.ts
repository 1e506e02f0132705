import type { Payer } from '../../../../config/stage.ts';
import { nowSeconds } from '../../../../functions/shared/deps.ts';
import { GatewayError, type Signal } from '../../../../functions/shared/errors.ts';
import { type OpenGrant, freshPayerTokens, openGrant } from '../../../../functions/shared/oauth/payer-tokens.ts';
import { revoke } from '../../../../functions/shared/store/grants.ts';
import { type FetchGateway, type TestGrant, fetchGateway, formOf } from '../../../support/fetch-gateway.ts';
import { throttled } from '../../../support/login.ts';

const rotated = {
  access_token: 'payer-access-2',
  refresh_token: 'payer-refresh-2',
  token_type: 'Bearer',
  expires_in: 300,
};
const answers =
  (value: unknown, status = 200) =>
  () =>
    Promise.resolve(Response.json(value, { status }));

const payerOf = async (test: FetchGateway, id = 'northwind'): Promise<Payer> => {
  const payer = await test.deps.registry.payer(id);
  if (payer === undefined) throw new Error(`no payer ${id}`);
  return payer;
};
const open = ({ stored, grantKey }: TestGrant): OpenGrant => openGrant(stored(), grantKey);
const fresh = async (test: FetchGateway, grant: OpenGrant, payer?: string): Promise<OpenGrant> =>
  freshPayerTokens(test.deps, await payerOf(test, payer), grant, { requestId: 'request-a' });
const failure = async (promise: Promise<unknown>): Promise<GatewayError> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof GatewayError)) throw new Error(`no GatewayError: ${String(error)}`);
  return error;
};
const sentForms = (test: FetchGateway, path = '/oauth2/token') =>
  test.payer.requests.filter(({ url }) => url.endsWith(path)).map(({ init }) => Object.fromEntries(formOf(init)));

describe('when payer tokens are refreshed', () => {
  it('uses a token that lives on for more than a minute as it is, without a call anywhere', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.passSeconds(239);
    expect((await fresh(test, open(grant))).tokens.accessToken).toBe('payer-access-1');
    expect(test.dynamo.calls()).toEqual([]);
    expect(test.payer.requests).toEqual([]);
  });

  it('uses a token of unknown life until the payer refuses it', async () => {
    const test = fetchGateway();
    const grant = await test.grant({ tokens: { accessToken: 'payer-access-1', refreshToken: 'payer-refresh-1' } });
    test.passSeconds(24 * 3600);
    expect((await fresh(test, open(grant))).tokens.accessToken).toBe('payer-access-1');
  });

  it('refreshes a minute before the end: one write for the lease, one for the new tokens', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.passSeconds(240);
    test.payer.http = answers(rotated);
    expect((await fresh(test, open(grant))).tokens.accessToken).toBe('payer-access-2');
    expect(test.dynamo.calls()).toEqual(['UpdateItem', 'UpdateItem']);
    expect(grant.payerTokens()).toEqual({
      accessToken: 'payer-access-2',
      refreshToken: 'payer-refresh-2',
      expiresAt: nowSeconds(test.deps.clock) + 300,
    });
    expect(grant.stored()).toMatchObject({ payerVersion: 2 });
    expect(grant.stored().leaseOwner).toBeUndefined();
  });

  it('keeps the old refresh token where the payer gives no new one', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.passSeconds(250);
    test.payer.http = answers({ access_token: 'payer-access-2', token_type: 'Bearer', expires_in: 300 });
    await fresh(test, open(grant));
    expect(grant.payerTokens().refreshToken).toBe('payer-refresh-1');
  });

  it('goes on to the end with a token that cannot be refreshed, and asks to reconnect after it', async () => {
    const test = fetchGateway();
    const expiresAt = nowSeconds(test.deps.clock) + 30;
    const grant = await test.grant({ tokens: { accessToken: 'payer-access-1', expiresAt } });
    expect((await fresh(test, open(grant))).tokens.accessToken).toBe('payer-access-1');
    test.passSeconds(31);
    await expect(failure(fresh(test, open(grant)))).resolves.toMatchObject({ status: 403, code: 'reconnect' });
    expect(grant.stored().revokedAt).toBeUndefined();
  });

  it('opens no grant with the key of another', async () => {
    const test = fetchGateway();
    const [mine, other] = [await test.grant(), await test.grant()];
    expect(() => openGrant(mine.stored(), other.grantKey)).toThrow(expect.objectContaining({ code: 'invalid_token' }));
  });
});

describe('what ends a grant', () => {
  it('ends it on a confirmed invalid_grant, and the item keeps no payer tokens', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.passSeconds(301);
    test.payer.http = answers({ error: 'invalid_grant' }, 400);
    await expect(failure(fresh(test, open(grant)))).resolves.toMatchObject({ status: 401, code: 'invalid_token' });
    expect(grant.stored().revokedAt).toBe(nowSeconds(test.deps.clock));
    expect(grant.stored().sealedPayerTokens).toHaveLength(0);
    expect(sentForms(test)).toHaveLength(1);
  });

  it('uses the tokens of another refresh where invalid_grant was about an older version', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    const stale = open(grant);
    test.passSeconds(301);
    test.payer.http = async () => {
      // Another holder, whose lease had run out here, stores its tokens first.
      test.payer.http = answers(rotated);
      const item = test.dynamo.items('Grants').get(grant.grantId) ?? {};
      delete item['leaseOwner'];
      await fresh(test, open(grant));
      return Response.json({ error: 'invalid_grant' }, { status: 400 });
    };
    expect((await fresh(test, stale)).tokens.accessToken).toBe('payer-access-2');
    expect(grant.stored().revokedAt).toBeUndefined();
  });

  it('uses the tokens of another refresh that came between the second look and the end', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.passSeconds(301);
    test.payer.http = answers({ error: 'invalid_grant' }, 400);
    const updates: string[] = [];
    const { client } = test.deps.grants;
    const send = client.send.bind(client) as (command: object) => Promise<unknown>;
    const racing = async (command: { input?: { UpdateExpression?: string } }): Promise<unknown> => {
      const text = command.input?.UpdateExpression ?? '';
      updates.push(text);
      if (text.includes('revokedAt')) {
        const item = test.dynamo.items('Grants').get(grant.grantId) ?? {};
        test.dynamo.items('Grants').set(grant.grantId, { ...item, payerVersion: { N: '2' } });
      }
      return send(command);
    };
    const deps = {
      ...test.deps,
      grants: { ...test.deps.grants, client: { send: racing } as unknown as typeof client },
    };
    const result = await freshPayerTokens(deps, await payerOf(test), open(grant), { requestId: 'request-a' });
    expect(result.grant.payerVersion).toBe(2);
    expect(grant.stored().revokedAt).toBeUndefined();
  });

  it.each([
    ['a 500', answers({}, 500), 503, 'temporarily_unavailable'],
    ['a 429', answers({}, 429), 503, 'temporarily_unavailable'],
    ['a broken connection', () => Promise.reject(new TypeError('fetch failed')), 503, 'temporarily_unavailable'],
    ['a time-out', () => Promise.reject(new DOMException('late', 'TimeoutError')), 504, 'payer_timeout'],
    ['HTML', () => Promise.resolve(new Response('<html>')), 502, 'payer_error'],
    ['truncated JSON', () => Promise.resolve(new Response('{"access_token":"')), 502, 'payer_error'],
    ['invalid_request', answers({ error: 'invalid_request' }, 400), 502, 'payer_error'],
    ['invalid_client, twice', answers({ error: 'invalid_client' }, 401), 503, 'temporarily_unavailable'],
  ] as const)('never ends it on %s, and gives the lease back', async (_name, http, status, code) => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.passSeconds(301);
    test.payer.http = http;
    await expect(failure(fresh(test, open(grant)))).resolves.toMatchObject({ status, code });
    expect(grant.stored().revokedAt).toBeUndefined();
    test.payer.http = answers(rotated);
    expect((await fresh(test, open(grant))).tokens.accessToken).toBe('payer-access-2');
  });

  it('keeps what a refresh brought though its expires_in is absurd: the old refresh token is used up', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.passSeconds(301);
    test.payer.http = answers({ ...rotated, expires_in: 1e12 });

    const { tokens } = await fresh(test, open(grant));

    expect(tokens).toEqual({ accessToken: 'payer-access-2', refreshToken: 'payer-refresh-2' });
    expect(grant.stored().payerVersion).toBe(2);
  });

  it('goes on with a token that is still good while the payer cannot refresh', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.passSeconds(250);
    test.payer.http = answers({}, 500);
    expect((await fresh(test, open(grant))).tokens.accessToken).toBe('payer-access-1');
    expect(grant.stored()).toMatchObject({ payerVersion: 1, leaseUntilMs: 0 });
  });

  it('keeps what a refresh brought though its expires_in is absurd: the old refresh token is used up', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.passSeconds(301);
    test.payer.http = answers({ ...rotated, expires_in: 1e12 });

    const { tokens } = await fresh(test, open(grant));

    expect(tokens).toEqual({ accessToken: 'payer-access-2', refreshToken: 'payer-refresh-2' });
    expect(grant.stored().payerVersion).toBe(2);
  });

  it('goes on with a token that is still good while DynamoDB takes no lease', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.passSeconds(250);
    test.dynamo.failNext('UpdateItem', throttled());
    expect((await fresh(test, open(grant))).tokens.accessToken).toBe('payer-access-1');
    expect(test.payer.requests).toEqual([]);
  });

  it('is 503 where the token has expired and DynamoDB takes no lease: the payer is not asked', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.passSeconds(301);
    test.dynamo.failNext('UpdateItem', throttled());
    await expect(failure(fresh(test, open(grant)))).resolves.toMatchObject({ status: 503, retryAfterSeconds: 5 });
    expect(test.payer.requests).toEqual([]);
  });

  it('does not use new tokens that could not be stored', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.passSeconds(301);
    test.payer.http = () => {
      for (let times = 0; times < 100; times += 1) test.dynamo.failNext('UpdateItem', throttled());
      return Promise.resolve(Response.json(rotated));
    };
    await expect(failure(fresh(test, open(grant)))).resolves.toMatchObject({ status: 503 });
    expect(grant.payerTokens().accessToken).toBe('payer-access-1');
  });

  it('keeps trying to store them while its lease lasts: the refresh token before them is used up', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.passSeconds(301);
    test.payer.http = () => {
      for (let times = 0; times < 20; times += 1) test.dynamo.failNext('UpdateItem', throttled());
      return Promise.resolve(Response.json(rotated));
    };

    expect((await fresh(test, open(grant))).tokens.accessToken).toBe('payer-access-2');
    expect(grant.payerTokens().refreshToken).toBe('payer-refresh-2');
  });

  it('gives the lease back where DynamoDB fails while a refusal is confirmed, so that nobody waits for it', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.passSeconds(301);
    test.payer.http = () => {
      test.dynamo.failNext('GetItem', throttled());
      return answers({ error: 'invalid_grant' }, 400)();
    };

    await expect(failure(fresh(test, open(grant)))).resolves.toMatchObject({ status: 503, retryAfterSeconds: 5 });
    test.payer.http = answers(rotated);
    test.dynamo.calls();
    expect((await fresh(test, open(grant))).tokens.accessToken).toBe('payer-access-2');
    expect(test.dynamo.calls()).toEqual(['UpdateItem', 'UpdateItem']);
  });
});

describe('a refresh of payer tokens that failed is counted', () => {
  const signalsAfter = async (test: FetchGateway, seconds: number, grant: OpenGrant): Promise<readonly Signal[]> => {
    const record: { requestId: string; signals?: readonly Signal[] } = { requestId: 'request-a' };
    test.passSeconds(seconds);
    await Promise.resolve(freshPayerTokens(test.deps, await payerOf(test), grant, record)).catch(() => undefined);
    return record.signals ?? [];
  };

  it.each([
    ['a payer that does not answer it', answers({}, 500), ['refreshFailed', 'payerDown']],
    ['a refused client', answers({ error: 'invalid_client' }, 401), ['refreshFailed', 'secretMissing']],
    ['a confirmed invalid_grant', answers({ error: 'invalid_grant' }, 400), ['refreshFailed']],
    ['nothing, where all is well', answers(rotated), []],
  ])('with %s, be the old token still good or not', async (_, http, signals) => {
    for (const seconds of [250, 301]) {
      const test = fetchGateway();
      const grant = open(await test.grant());
      test.payer.http = http;
      expect(await signalsAfter(test, seconds, grant)).toEqual(signals);
    }
  });

  it('with a secret that is missing', async () => {
    const test = fetchGateway();
    const grant = open(await test.grant());
    test.secrets['northwind'] = new GatewayError('temporarily_unavailable', '', { signal: 'secretMissing' });
    expect(await signalsAfter(test, 250, grant)).toEqual(['refreshFailed', 'secretMissing']);
  });

  it('but not where the grant was revoked meanwhile', async () => {
    const test = fetchGateway();
    const revoked = open(await test.grant());
    test.payer.http = async (input) => {
      if (!String(input).endsWith('/token')) return Response.json({});
      const { grantId } = revoked.grant;
      await revoke(test.deps.grants, grantId, 'byPartner', { now: nowSeconds(test.deps.clock), requestId: 'other' });
      return Response.json(rotated);
    };
    expect(await signalsAfter(test, 250, revoked)).toEqual([]);
  });
});

describe('a grant that ends while its payer tokens are refreshed', () => {
  const revokedMeanwhile = async (test: FetchGateway, grant: TestGrant): Promise<GatewayError> => {
    test.payer.http = async (input) => {
      if (!String(input).endsWith('/token')) return Response.json({});
      await revoke(test.deps.grants, grant.grantId, 'byPartner', {
        now: nowSeconds(test.deps.clock),
        requestId: 'other',
      });
      return Response.json(rotated);
    };
    return failure(fresh(test, open(grant)));
  };

  it.each([
    ['expired', 301],
    ['is still good', 250],
  ])('is 401 where the old token %s, and the new tokens are revoked at the payer', async (_name, seconds) => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.passSeconds(seconds);
    expect(await revokedMeanwhile(test, grant)).toMatchObject({ status: 401, code: 'invalid_token' });
    expect(sentForms(test, '/oauth2/revoke')).toEqual([expect.objectContaining({ token: 'payer-refresh-2' })]);
    expect(grant.stored().sealedPayerTokens).toHaveLength(0);
  });

  it('revokes nothing at the payer where it cannot be read who won: they may be the stored ones', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    test.passSeconds(301);
    test.payer.http = () => {
      const items = test.dynamo.items('Grants');
      items.set(grant.grantId, { ...items.get(grant.grantId), payerVersion: { N: '2' } });
      test.dynamo.failNext('GetItem', throttled());
      return Promise.resolve(Response.json(rotated));
    };
    await expect(failure(fresh(test, open(grant)))).resolves.toMatchObject({ status: 503 });
    expect(sentForms(test, '/oauth2/revoke')).toEqual([]);
  });

  it('is 401 where TTL removed it, and nothing comes back half-written', async () => {
    const test = fetchGateway();
    const grant = await test.grant();
    const before = open(grant);
    test.passSeconds(301);
    test.payer.http = answers(rotated);
    test.dynamo.items('Grants').delete(grant.grantId);
    await expect(failure(fresh(test, before))).resolves.toMatchObject({ status: 401 });
    expect(test.dynamo.items('Grants').size).toBe(0);
  });
});
