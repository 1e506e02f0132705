import { GatewayError } from '../../../functions/shared/errors.ts';
import { leaseFromTable } from '../../../functions/shared/limits/lease-slots.ts';
import { limiter } from '../../../functions/shared/limits/limiter.ts';
import { takePartnerTurn, type RateLimitContext } from '../../../functions/shared/partner/rate-limit.ts';
import { fetchGateway, fhir, issueOf, read, type FetchGateway } from '../../support/fetch-gateway.ts';
import { withPartner } from '../../support/login.ts';
import { words } from '../../support/words.ts';

const rate = { perSecond: 1, burst: 3 };

/** Two execution environments over the same tables, for partners that may make three calls at once. */
const setUp = () => {
  const test = fetchGateway();
  test.payer.http = () => Promise.resolve(fhir({}));
  const slow = test.reconfigured((data) =>
    withPartner('demo-app', { rate, webOrigins: ['https://app.example.org'] })(
      withPartner('demo-partner', { rate, webOrigins: ['https://app.example.org'] })(data),
    ),
  );
  const environment = () => ({
    ...slow,
    takeTurn: limiter({
      lease: leaseFromTable({ client: test.dynamo.client, name: 'Limits' }),
      clock: test.deps.clock,
    }),
  });
  return { ...test, slow, environments: [environment(), environment()] as const };
};

const lastLine = (test: FetchGateway) => test.log().at(-1);

it('a partner that floods gets 429 and a Retry-After, and another is served in the meantime, across environments', async () => {
  const test = setUp();
  const [one, other] = test.environments;
  const [a, b] = [await test.grant(), await test.grant({ partner: 'demo-app' })];
  const statuses: number[] = [];
  for (const deps of [one, other, one, other, one, other]) {
    statuses.push((await read(deps, 'Patient', a.token)).statusCode);
  }
  expect(statuses).toEqual([200, 200, 200, 429, 429, 429]);
  const refused = await read(one, 'Patient', a.token);
  expect(refused.headers['Retry-After']).toBe('1');
  expect(issueOf(refused)).toMatchObject({ code: 'throttled', diagnostics: 'Too many requests; wait a moment.' });
  expect(lastLine(test)).toMatchObject({ error: 'too_many_requests', outcome: 'refused', partner: 'demo-partner' });
  expect(test.payer.requests).toHaveLength(3);
  expect((await read(other, 'Patient', b.token)).statusCode).toBe(200);
  test.passSeconds(1);
  expect((await read(other, 'Patient', a.token)).statusCode).toBe(200);
});

describe('the answers to a partner', () => {
  it('state its policy and the remaining limit', async () => {
    const test = setUp();
    const { token } = await test.grant();
    const headers = [];
    for (let call = 0; call < 4; call += 1) {
      headers.push((await read(test.environments[0], 'Patient', token)).headers);
    }

    expect(headers.map((header) => header['RateLimit-Policy'])).toEqual(Array(4).fill('"partner";q=3;w=3'));
    expect(headers.map((header) => header['RateLimit'])).toEqual(
      words('"partner";r=2;t=1 "partner";r=1;t=2 "partner";r=0;t=1 "partner";r=0;t=1'),
    );
  });

  it('state them on refusals too, and to pages of its origin', async () => {
    const test = setUp();
    const { token } = await test.grant();
    const headers = { Origin: 'https://app.example.org' };
    const refused = await read(test.environments[0], 'Nonsense', token, { headers });

    expect(refused.statusCode).toBe(404);
    expect(refused.headers).toMatchObject({ RateLimit: '"partner";r=2;t=1', 'RateLimit-Policy': '"partner";q=3;w=3' });
    expect(refused.headers['Access-Control-Expose-Headers']?.split(', ')).toEqual(
      expect.arrayContaining(['RateLimit', 'RateLimit-Policy', 'Retry-After']),
    );
  });

  it.each([
    [50, 100, '"partner";q=100;w=2'],
    [3, 7, '"partner";q=7;w=3'],
    [0.1, 1, '"partner";q=1;w=10'],
    [5000, 5000, '"partner";q=5000;w=1'],
  ])('express %s per second, burst %s, in whole seconds', async (perSecond, burst, policy) => {
    const test = setUp();
    const { token } = await test.grant();
    const deps = test.reconfigured(withPartner('demo-partner', { rate: { perSecond, burst } }));
    const { takeTurn } = test.environments[0];

    expect((await read({ ...deps, takeTurn }, 'Patient', token)).headers['RateLimit-Policy']).toBe(policy);
  });

  it('have no policy if the caller is unknown', async () => {
    const test = setUp();
    const answer = await read(test.environments[0], 'Patient', 'p2pa_nonsense');

    expect(answer.statusCode).toBe(401);
    expect(Object.keys(answer.headers).join()).not.toMatch(/ratelimit/i);
    expect(test.dynamo.items('Limits').size).toBe(0);
  });
});

it.each([
  { perSecond: 1, burst: 5, cost: 5 },
  { perSecond: 1, burst: 20, cost: 10 },
  { perSecond: 0.2, burst: 5, cost: 5 },
  { perSecond: 50, burst: 100, cost: 10 },
])(
  'a request of $cost turns that waits as long as it was told is admitted, at $perSecond per second and $burst at once',
  async ({ cost, ...own }) => {
    const test = setUp();
    const [{ takeTurn }] = test.environments;
    const partner = { ...(await test.deps.registry.partner('demo-partner'))!, rate: own };
    const take = async (turns: number): Promise<number> => {
      try {
        await takePartnerTurn({ takeTurn }, partner, { record: {} } as RateLimitContext, { turns });
        return 0;
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        return error.retryAfterSeconds ?? 0;
      }
    };
    while ((await take(1)) === 0);

    const toldSeconds = await take(cost);
    test.passSeconds(toldSeconds);

    expect(toldSeconds).toBeGreaterThan(0);
    expect(await take(cost)).toBe(0);
  },
);

it('reads continue while the limit is out of reach, and an alarm counts it', async () => {
  const test = setUp();
  const { token } = await test.grant();
  const [one, other] = test.environments;
  // So that the other environment has to check.
  await read(one, 'Patient', token);
  test.dynamo.standIn('UpdateItem', ({ TableName }) =>
    TableName === 'Limits'
      ? Promise.reject(Object.assign(new Error('slow down'), { name: 'ThrottlingException' }))
      : undefined,
  );
  const answer = await read(other, 'Patient', token);

  expect(answer.statusCode).toBe(200);
  expect(lastLine(test)).toMatchObject({ limitsDown: 1, detail: 'limits: ThrottlingException', outcome: 'ok' });
  await read(other, 'Patient', token);
  expect(lastLine(test)).not.toHaveProperty('limitsDown');
});
