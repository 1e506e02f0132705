import { payerBreakers } from '../../../../functions/fetch/breaker/breakers.ts';
import type { FetchDeps } from '../../../../functions/fetch/deps.ts';
import { eventually, turns } from '../../../support/eventually.ts';
import { fakeTimeouts } from '../../../support/fake-timeouts.ts';
import { fetchGateway, fhir, issueOf, read, type FetchGateway } from '../../../support/fetch-gateway.ts';

const key = 'breaker#northwind';
const tokensToRefresh = { accessToken: 'payer-access-1', refreshToken: 'payer-refresh-1', expiresAt: 1 };

/** A gateway with breakers, each environment of its own. */
const setUp = () => {
  const test = fetchGateway();
  const limits = { client: test.dynamo.client, name: 'Limits' };
  const environment = (): FetchDeps => ({
    ...test.deps,
    breakers: payerBreakers({ limits, clock: test.deps.clock }),
  });
  const item = () => test.dynamo.items('Limits').get(key);
  /** As others would have left it. */
  const store = (attributes: object): void =>
    void test.dynamo.items('Limits').set(key, { limitId: { S: key }, ...attributes });
  const open = (seconds = 30): void => store({ openUntilMs: { N: String(test.deps.clock.now() + seconds * 1000) } });
  const mark = (): void =>
    store({
      lateSinceMs: { N: String(test.deps.clock.now()) },
      lateGrants: { SS: ['1', '2', '3', '4', '5'] },
      latePartners: { SS: ['1', '2'] },
    });
  return { ...test, environment, item, open, mark };
};
const line = (test: FetchGateway) => test.log().at(-1);
const hang = (_input: unknown, init?: { readonly signal?: AbortSignal | null }): Promise<Response> =>
  new Promise((_resolve, reject) => {
    init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
  });

describe('a read of a payer whose breaker is open', () => {
  it('gets 503 with Retry-After and a transient OperationOutcome, before a refresh of payer tokens begins', async () => {
    const test = setUp();
    const { token } = await test.grant({ tokens: tokensToRefresh });
    test.open();
    const answer = await read(test.environment(), 'Patient', token);

    expect(answer.statusCode).toBe(503);
    expect(answer.headers['Retry-After']).toBe('30');
    expect(issueOf(answer)).toMatchObject({
      code: 'transient',
      diagnostics: 'The health plan does not answer at the moment. Please try again later.',
    });
    expect(test.payer.requests).toEqual([]);
    expect(test.events).toEqual(['end hook']);
    expect(line(test)).toMatchObject({ detail: 'breaker: open', outcome: 'failed', payerDown: 1, payer: 'northwind' });
  });

  it('is refused for that payer only', async () => {
    const test = setUp();
    const { token } = await test.grant({ payer: 'demo-health-plan' });
    test.payer.http = async () => fhir({});
    test.open();

    expect((await read(test.environment(), 'Patient', token, { payer: 'demo-health-plan' })).statusCode).toBe(200);
  });
});

describe('what a read tells the breaker', () => {
  it.each([200, 304, 404, 429, 500, 503])('is that the payer answers, with any status (%d)', async (status) => {
    const test = setUp();
    const { token } = await test.grant();
    test.mark();
    test.payer.http = async () => (status === 200 ? fhir({}) : new Response(null, { status }));
    await read(test.environment(), 'Patient', token);

    expect(test.item()).not.toHaveProperty('lateSinceMs');
  });

  it('is that a payer that breaks HTTP answers, too', async () => {
    const test = setUp();
    const { token } = await test.grant();
    test.mark();
    test.payer.http = () => Promise.reject(Object.assign(new Error(), { code: 'HPE_INVALID_CONSTANT' }));
    await read(test.environment(), 'Patient', token);

    expect(test.item()).not.toHaveProperty('lateSinceMs');
  });

  it.each([
    ['a connection that fails', () => Promise.reject(Object.assign(new Error(), { code: 'ECONNREFUSED' }))],
    ['a time-out', () => Promise.reject(new DOMException('x', 'TimeoutError'))],
  ])('is that the call was late, after %s', async (_name, http) => {
    const test = setUp();
    const { token } = await test.grant();
    test.payer.http = http;
    await read(test.environment(), 'Patient', token);

    expect(test.item()?.['lateGrants']?.SS).toHaveLength(1);
  });

  it('is that the call was late, if the refresh of payer tokens before it got no answer', async () => {
    const test = setUp();
    const { token } = await test.grant({ tokens: tokensToRefresh });
    test.payer.http = () => Promise.reject(new DOMException('x', 'TimeoutError'));

    expect((await read(test.environment(), 'Patient', token)).statusCode).toBe(504);
    expect(test.item()?.['lateGrants']?.SS).toHaveLength(1);
  });

  it('is nothing, if the audit kept the read from leaving', async () => {
    const test = setUp();
    const { token } = await test.grant();
    test.payer.http = hang;
    const shut = { ...test.environment(), openGate: () => Promise.reject(new Error()) };

    expect((await read(shut, 'Patient', token)).statusCode).toBe(503);
    expect(test.item()).toBeUndefined();
  });

  it('opens it, and the log line says so', async () => {
    const test = setUp();
    const { token } = await test.grant();
    test.mark();
    test.passSeconds(8);
    test.payer.http = () => Promise.reject(Object.assign(new Error(), { code: 'ECONNREFUSED' }));
    await read(test.environment(), 'Patient', token);

    expect(line(test)).toMatchObject({ breakerOpened: 1, payerDown: 1, detail: 'FHIR API: Error:ECONNREFUSED' });
    expect((await read(test.environment(), 'Patient', token)).statusCode).toBe(503);
  });
});

it('a read that still waits after 20 seconds ends with 503 if the breaker has opened', async () => {
  const advance = fakeTimeouts();
  const test = setUp();
  const { token } = await test.grant();
  test.payer.http = hang;
  const answer = read(test.environment(), 'Patient', token);
  await eventually(() => test.payer.requests.length === 1);
  test.open();
  for (let second = 0; second < 20; second += 1) {
    test.passSeconds(1);
    advance(1000);
    await turns();
  }

  expect((await answer).statusCode).toBe(503);
  expect(line(test)).toMatchObject({ detail: 'breaker: opened while the call waited', payerMs: 20_000 });
});

it('a refresh that is under way when the breaker opens goes on, and what the payer rotated is stored', async () => {
  const test = setUp();
  const grant = await test.grant({ tokens: tokensToRefresh });
  const refreshed = Promise.withResolvers<Response>();
  test.payer.http = (url) => (String(url).includes('/token') ? refreshed.promise : Promise.resolve(fhir({})));
  const answer = read(test.environment(), 'Patient', grant.token);
  await eventually(() => test.payer.requests.length === 1);
  test.open();
  refreshed.resolve(Response.json({ access_token: 'payer-access-2', refresh_token: 'payer-refresh-2' }));

  expect((await answer).statusCode).toBe(200);
  expect(grant.payerTokens()).toMatchObject({ accessToken: 'payer-access-2', refreshToken: 'payer-refresh-2' });
});
