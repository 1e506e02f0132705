import { jest } from '@jest/globals';
import { unavailable } from '../../../functions/shared/errors.ts';
import { revoke } from '../../../functions/shared/store/grants.ts';
import { turns } from '../../support/eventually.ts';
import { fakeIntervals } from '../../support/fake-timeouts.ts';
import { fetchGateway, fhir, issueOf, read } from '../../support/fetch-gateway.ts';
import { startMs } from '../../support/gateway.ts';
import { withoutPartner } from '../../support/login.ts';

const stop = { at: startMs / 1000, by: 'arn', reason: 'a leak' };

let pass: (ms: number) => void;
beforeEach(() => {
  pass = fakeIntervals();
});
afterEach(() => {
  jest.useRealTimers();
});

/** A payer that answers when it likes, or begins an answer that has no end, until the call is aborted. */
const endlessPayer = (test: ReturnType<typeof fetchGateway>, { begins }: { begins: boolean }): AbortSignal[] => {
  const signals: AbortSignal[] = [];
  test.payer.http = (_url, init) => {
    const signal = init?.signal as AbortSignal;
    signals.push(signal);
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
    if (!begins) return aborted;
    const body = new ReadableStream({
      start: (controller) => {
        controller.enqueue(Buffer.from('{"resourceType":"Bundle","entry":['));
        aborted.catch((error: unknown) => controller.error(error));
      },
    });
    return Promise.resolve(fhir(body));
  };
  return signals;
};

const begin = async (begins: boolean) => {
  const test = fetchGateway();
  const signals = endlessPayer(test, { begins });
  const { token, grantId } = await test.grant();
  const ended: unknown[] = [];
  const registry = { ...test.deps.registry };
  const deps = {
    ...test.deps,
    registry,
    onEnd: async ({ record }: { record: { status?: number; error?: string } }) => {
      ended.push({ status: record.status, error: record.error });
    },
  };
  let first = (): void => undefined;
  const begun = new Promise<void>((resolve) => (first = resolve));
  const answer = read(deps, 'Observation', token, begins ? { stream: { onChunk: () => first() } } : {});
  if (begins) await begun;
  else await turns();
  return { test, registry, signals, ended, answer, grantId };
};

const look = async (times = 1): Promise<void> => {
  for (let count = 0; count < times; count += 1) {
    pass(5000);
    await turns();
  }
};

const cuts = [
  ['its partner is blocked', 'partner#demo-partner', 'unauthorized_client', 'the partner is blocked'],
  ['its payer is paused', 'payer#northwind', 'temporarily_unavailable', 'the payer is paused'],
] as const;

describe('a stream', () => {
  it.each(cuts)('is cut at the next look, five seconds later at most, when %s', async (_why, entry, error, detail) => {
    const { test, signals, ended, answer } = await begin(true);
    await look(3);
    expect(signals[0]?.aborted).toBe(false);
    test.stops.set(entry, stop);
    await look();

    const { statusCode, error: cut } = await answer;
    expect([statusCode, String(cut)]).toEqual([200, 'Error: The answer was cut']);
    expect(signals[0]?.aborted).toBe(true);
    expect(test.log()).toHaveLength(1);
    expect(test.log()[0]).toMatchObject({
      level: 'warn',
      outcome: 'refused',
      status: 200,
      error,
      detail: expect.stringMatching(new RegExp(`^cut after \\d+ bytes: ${detail}$`)) as string,
    });
    expect(test.log()[0]).not.toHaveProperty('payerDown');
    expect(ended).toEqual([{ status: 200, error }]);
    // So that Lambda's own count of errors does not take it for a crash.
    expect(test.lines.map((line) => JSON.parse(line) as object).some((line) => 'answersCut' in line)).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  type Begun = Awaited<ReturnType<typeof begin>>;
  it.each<[string, (test: Begun['test']) => object, object, RegExp]>([
    [
      'its partner or payer is removed',
      (test) => test.reconfigured(withoutPartner('demo-partner')).registry,
      { error: 'access_denied' },
      /^cut after \d+ bytes: the registry no longer allows this read$/,
    ],
    [
      'nothing can be said about its partner and payer any more',
      () => ({ payer: () => Promise.reject(unavailable('registry: ThrottlingException')) }),
      { error: 'temporarily_unavailable', outcome: 'failed' },
      /^cut after \d+ bytes: registry: ThrottlingException$/,
    ],
  ])('is cut when %s', async (_, registryNow, logged, detail) => {
    const { test, registry, answer } = await begin(true);
    Object.assign(registry, registryNow(test));
    await look();
    expect((await answer).error).toBeDefined();
    expect(test.log()[0]).toMatchObject({ ...logged, detail: expect.stringMatching(detail) as string });
  });

  it('is cut ten seconds later at most when its grant has ended', async () => {
    const { test, signals, answer, grantId } = await begin(true);
    await look(2);
    expect(signals[0]?.aborted).toBe(false);
    await revoke(test.deps.grants, grantId, 'byPartner', { now: startMs / 1000, requestId: 'r' });
    await look(2);
    expect((await answer).error).toBeDefined();
    expect(signals[0]?.aborted).toBe(true);
    expect(test.log()[0]).toMatchObject({
      error: 'invalid_token',
      outcome: 'refused',
      detail: expect.stringMatching(/^cut after \d+ bytes: the grant has ended$/) as string,
    });
    expect(jest.getTimerCount()).toBe(0);
  });

  it('goes on if its grant cannot be read once, and is cut if that happens twice in a row', async () => {
    const { test, signals, answer } = await begin(true);
    const throttled = (): Error => Object.assign(new Error('slow down'), { name: 'ThrottlingException' });
    test.dynamo.failNext('GetItem', throttled());
    await look(2);
    await look(2);
    test.dynamo.failNext('GetItem', throttled());
    await look(2);
    expect(signals[0]?.aborted).toBe(false);
    test.dynamo.failNext('GetItem', throttled());
    await look(2);
    expect((await answer).error).toBeDefined();
    expect(test.log()[0]).toMatchObject({ error: 'temporarily_unavailable', outcome: 'failed' });
  });

  it('that has ended is watched no longer', async () => {
    const test = fetchGateway();
    test.payer.http = () => Promise.resolve(fhir({}));
    const { token } = await test.grant();
    await read(test.deps, 'Patient', token);
    expect(jest.getTimerCount()).toBe(0);
  });
});

it.each(cuts)('a read that waits for its payer is refused at the next look when %s', async (_why, entry, error) => {
  const { test, signals, answer } = await begin(false);
  test.stops.set(entry, stop);
  await look();

  const refused = await answer;
  expect(refused.statusCode).toBe(error === 'unauthorized_client' ? 403 : 503);
  expect(issueOf(refused).diagnostics).toMatch(/by the operator of this gateway\.$/);
  expect(signals[0]?.aborted).toBe(true);
  expect(test.log()[0]).toMatchObject({ error, outcome: 'refused' });
  expect(test.log()[0]).not.toHaveProperty('payerDown');
  expect(jest.getTimerCount()).toBe(0);
});

it.each(cuts)(
  'a refresh of payer tokens ends, and nothing is read with them, when meanwhile %s',
  async (_why, entry) => {
    const test = fetchGateway();
    const grant = await test.grant({ tokens: { accessToken: 'old', refreshToken: 'refresh', expiresAt: 1 } });
    test.payer.http = async () => {
      test.stops.set(entry, stop);
      return Response.json({ access_token: 'new', refresh_token: 'next', token_type: 'Bearer', expires_in: 300 });
    };
    const answer = await read(test.deps, 'Patient', grant.token);

    expect([403, 503]).toContain(answer.statusCode);
    expect(test.payer.requests.map(({ url }) => new URL(url).pathname)).toEqual(['/oauth2/token']);
    expect(grant.payerTokens()).toMatchObject({ accessToken: 'new', refreshToken: 'next' });
  },
);
