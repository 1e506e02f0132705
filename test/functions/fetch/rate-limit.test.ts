import type { Partner } from '../../../config/stage.ts';
import { rateLimiter } from '../../../functions/fetch/rate-limit.ts';
import { fetchGateway, fhir, issueOf, read } from '../../support/fetch-gateway.ts';
import { withPartner } from '../../support/login.ts';

const partner = (clientId: string, perSecond: number, burst: number): Partner =>
  ({ clientId, rate: { perSecond, burst } }) as Partner;

it('answers a partner that floods with 429 and a Retry-After, and serves another meanwhile', async () => {
  const test = fetchGateway();
  test.payer.http = () => Promise.resolve(fhir({}));
  const rate = { perSecond: 1, burst: 3 };
  const slow = test.reconfigured((data) =>
    withPartner('demo-app', { rate })(withPartner('demo-partner', { rate })(data)),
  );
  const deps = { ...slow, takeTurn: rateLimiter(test.deps.clock) };
  const [a, b] = [await test.grant(), await test.grant({ partner: 'demo-app' })];
  const statuses: number[] = [];
  for (let count = 0; count < 5; count += 1) statuses.push((await read(deps, 'Patient', a.token)).statusCode);
  expect(statuses).toEqual([200, 200, 200, 429, 429]);
  const refused = await read(deps, 'Patient', a.token);
  expect(refused.headers['Retry-After']).toBe('1');
  expect(issueOf(refused)).toMatchObject({ code: 'throttled', diagnostics: 'Too many requests; wait a moment.' });
  expect(test.payer.requests).toHaveLength(3);
  expect((await read(deps, 'Patient', b.token)).statusCode).toBe(200);
  test.passSeconds(1);
  expect((await read(deps, 'Patient', a.token)).statusCode).toBe(200);
});

describe('the token bucket', () => {
  const clock = (ms: { now: number }) => ({ now: () => 0, monotonic: () => ms.now });

  it('never holds more than the burst, however long a partner was away', () => {
    const ms = { now: 0 };
    const take = rateLimiter(clock(ms));
    const one = partner('a', 10, 2);
    take(one);
    ms.now = 3_600_000;
    take(one);
    take(one);
    expect(() => take(one)).toThrow(expect.objectContaining({ status: 429 }));
  });

  it('gives back as time passes, and says after how many seconds', () => {
    const ms = { now: 0 };
    const take = rateLimiter(clock(ms));
    const one = partner('a', 0.1, 1);
    take(one);
    expect(() => take(one)).toThrow(expect.objectContaining({ retryAfterSeconds: 10 }));
    ms.now = 9000;
    expect(() => take(one)).toThrow(expect.objectContaining({ retryAfterSeconds: 1 }));
    ms.now = 10_001;
    expect(() => take(one)).not.toThrow();
  });
});
