import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { throughBreaker } from '../../../../functions/fetch/breaker/breakers.ts';
import { lateMsOf, noteFailure, type GuardedCall } from '../../../../functions/fetch/breaker/environment.ts';
import { refuseAtOpen, refuseBesideProbe, refuseWaiting } from '../../../../functions/fetch/breaker/refuse.ts';
import { markOrOpen } from '../../../../functions/fetch/breaker/watch-call.ts';
import { GatewayError } from '../../../../functions/shared/errors.ts';
import { firstByteMsOf } from '../../../../functions/shared/payer/answers.ts';
import type { Payer } from '../../../../functions/shared/registry/types.ts';
import { closedBreaker, usualTimes } from '../../../../functions/shared/store/breaker-item.ts';
import { breakerFleet, enough, type FleetCall } from '../../../support/breaker-fleet.ts';
import { fakeTimeouts } from '../../../support/fake-timeouts.ts';
import { memoryDynamo } from '../../../support/memory-dynamo.ts';

const seconds = (count: number): number => count * 1000;
const throttled = () => Promise.reject(Object.assign(new Error('slow down'), { name: 'ThrottlingException' }));

/** A fleet whose timers and clocks move together. */
const setUp = (options: Parameters<typeof breakerFleet>[0] = {}) =>
  breakerFleet({ ...options, advance: fakeTimeouts() });
type Fleet = ReturnType<typeof setUp>;

/** A breaker that has just opened, and the calls that opened it. */
const opened = async (fleet: Fleet = setUp()) => {
  const calls = await fleet.hang(enough);
  await fleet.pass(seconds(20));
  for (const { watch } of calls) await watch.end();
  expect(fleet.stored().openForMs).toBe(30_000);
  return { fleet, calls };
};
/** A breaker that lets one call through, in environments that do not know it yet. */
const halfOpen = async () => {
  const { fleet } = await opened();
  await fleet.pass(seconds(31));
  return fleet;
};
const openings = (calls: readonly FleetCall[]): number =>
  calls.filter(({ record }) => record.signals?.includes('breakerOpened') === true).length;

describe('while a payer answers, a breaker', () => {
  it('costs one read in five seconds for each environment, which need not be consistent, and no write', async () => {
    const fleet = setUp();
    for (let call = 0; call < 40; call += 1) {
      const { watch } = await fleet.admit(0, `grant-${call}`, 'partner-1');
      await watch.answered();
      await watch.end();
      await fleet.pass(250);
    }

    expect(fleet.dynamo.calls()).toEqual(['GetItem', 'GetItem']);
    expect(fleet.dynamo.sent()[0]?.input).toMatchObject({ ConsistentRead: false });
  });

  it('forgets late calls as soon as any call is answered where the marks are known', async () => {
    const fleet = setUp();
    const calls = await fleet.hang(enough);
    await fleet.pass(seconds(11));
    expect(fleet.stored()).toMatchObject({ grants: 5, partners: 2 });
    const { watch } = await fleet.admit(1, 'another', 'partner-1');
    await watch.answered();

    expect(fleet.stored()).toMatchObject({ grants: 0, partners: 0 });
    await fleet.pass(seconds(8));
    expect(openings(calls)).toBe(0);
  });

  it('is not opened by heavy searches of two partners, since every environment looks before marks can count', async () => {
    const fleet = setUp();
    const answerSoon = async (): Promise<void> => {
      const { watch } = await fleet.admit(2, 'small', 'partner-2');
      await watch.answered();
      await watch.end();
    };
    await fleet.hang([...enough, ...enough]);
    for (let second = 0; second < 60; second += 1) {
      await answerSoon();
      await fleet.pass(1000);
    }

    expect(fleet.stored().openUntilMs).toBeUndefined();
  });

  it('is left alone by the late call itself, once its own first byte has come', async () => {
    const fleet = setUp();
    const { watch } = await fleet.admit(0, 'grant-1', 'partner-1');
    await fleet.pass(seconds(12));
    expect(fleet.stored().grants).toBe(1);
    await watch.answered();

    expect(fleet.stored().grants).toBe(0);
  });
});

describe('a payer that does not answer', () => {
  it('has its breaker opened for 30 seconds by five grants of two partners, within 20 seconds, once', async () => {
    const fleet = setUp();
    const calls = await fleet.hang(enough);
    await fleet.pass(seconds(16));
    expect(fleet.stored()).toMatchObject({ grants: 5, partners: 2, openUntilMs: undefined });
    await fleet.pass(seconds(4));

    expect(openings(calls)).toBe(1);
    expect(fleet.stored().openUntilMs).toBeGreaterThan(fleet.time.ms + 28_000);
    expect(fleet.stored().openUntilMs).toBeLessThanOrEqual(fleet.time.ms + 31_000);
  });

  it('has it opened by the first late call after 17 seconds, if calls go on', async () => {
    const fleet = setUp();
    await fleet.hang(enough);
    await fleet.pass(seconds(7.5));
    await fleet.admit(0, 'grant-6', 'partner-1');
    await fleet.pass(seconds(10));

    expect(fleet.stored().openForMs).toBe(30_000);
  });

  it.each([
    ['four grants', enough.slice(0, 4)],
    ['many grants of one partner', Array.from({ length: 40 }, (_, id) => [`grant-${id}`, 'partner-1'] as const)],
    ['one grant of many partners', Array.from({ length: 40 }, (_, id) => ['grant-1', `partner-${id}`] as const)],
  ])('keeps it closed if only %s wait', async (_name, calls) => {
    const fleet = setUp();
    await fleet.hang(calls);
    await fleet.pass(seconds(60));

    expect(fleet.stored().openUntilMs).toBeUndefined();
    expect(await fleet.refusal(0)).toBeUndefined();
    expect(fleet.stored().grants).toBeLessThanOrEqual(5);
  });

  it('has marks replaced after a minute, so that what was late long ago does not count', async () => {
    const fleet = setUp();
    const [first, ...others] = enough;
    const [call] = await fleet.hang([first!]);
    await fleet.pass(seconds(11));
    await call!.watch.end();
    await fleet.pass(seconds(52));
    await fleet.hang(others);
    await fleet.pass(seconds(40));

    expect(fleet.stored()).toMatchObject({ grants: 4, openUntilMs: undefined });
  });

  it('is late after a sixth of the time that its profile allows, if that is longer', async () => {
    const fleet = setUp();
    const slow = { id: 'northwind', quirks: { timeToFirstByte: 120 } } as Payer;
    await fleet.admit(0, 'grant-1', 'partner-1', slow);
    await fleet.pass(seconds(19));
    expect(fleet.stored().grants).toBe(0);
    await fleet.pass(seconds(2));

    expect(fleet.stored().grants).toBe(1);
  });

  it('is marked at once by a call without a connection', async () => {
    const fleet = setUp();
    const { watch } = await fleet.admit(0, 'grant-1', 'partner-1');
    await watch.unanswered();
    await watch.unanswered();

    expect(fleet.stored().grants).toBe(1);
    expect(fleet.writes()).toBe(1);
  });

  it('frees environments whose calls have waited for 20 seconds when the breaker opens', async () => {
    const { calls } = await opened();

    for (const call of calls) {
      expect(call.ended()).toMatchObject({
        code: 'temporarily_unavailable',
        detail: 'breaker: opened while the call waited',
      });
    }
  });

  it('is marked without loss by environments that do so at the same time', async () => {
    const fleet = setUp({ skewsMs: Array<number>(40).fill(0) });
    const calls = await Promise.all(
      Array.from({ length: 40 }, (_, at) => fleet.admit(at, `grant-${at % 5}`, `partner-${at % 2}`)),
    );
    await Promise.all(calls.map(({ watch }) => watch.unanswered()));

    expect(fleet.stored().grants).toBe(5);
    expect(fleet.stored().partners).toBe(2);
  });
});

describe('an open breaker', () => {
  it('refuses calls at once with 503, the seconds to wait, and a detail that says so', async () => {
    const { fleet } = await opened();
    const refusal = await fleet.refusal(0);

    expect(refusal).toMatchObject({
      status: 503,
      code: 'temporarily_unavailable',
      detail: 'breaker: open',
      signal: 'payerDown',
    });
    expect(refusal?.retryAfterSeconds).toBeGreaterThan(28);
    expect(refusal?.retryAfterSeconds).toBeLessThanOrEqual(31);
  });

  it('is known in every environment after five seconds', async () => {
    const { fleet } = await opened(setUp({ skewsMs: [0, 0, 0, 0] }));
    await fleet.pass(seconds(5));

    expect(await fleet.refusal(3)).toBeDefined();
  });

  it.each([
    ['ahead', 120_000],
    ['behind', -120_000],
  ])('is understood by an environment whose clock is two minutes %s', async (_name, skew) => {
    const { fleet } = await opened(setUp({ skewsMs: [0, 0, skew] }));

    expect(await fleet.refusal(2)).toMatchObject({ detail: 'breaker: open' });
    await fleet.pass(seconds(32));
    expect(await fleet.refusal(2)).toBeUndefined();
  });

  it('is closed by the first byte of a call that was under way', async () => {
    const fleet = setUp({ skewsMs: Array<number>(6).fill(0) });
    const calls = await fleet.hang([...enough, ['grant-6', 'partner-1']]);
    await fleet.pass(seconds(18));
    await fleet.hang([['grant-7', 'partner-1']]);
    await fleet.pass(seconds(2));
    expect(fleet.stored().openForMs).toBe(30_000);
    await calls[5]!.watch.answered();

    expect(fleet.stored().openUntilMs).toBeUndefined();
    expect(await fleet.refusal(5)).toBeUndefined();
  });

  it('that says it opens for longer than anyone could write counts as half-open', async () => {
    const fleet = setUp();
    const item = { limitId: { S: 'breaker#northwind' }, openUntilMs: { N: String(fleet.time.ms + 9e8) } };
    fleet.dynamo.items('Limits').set('breaker#northwind', item);

    const { watch } = await fleet.admit(0, 'g', 'p');
    expect(await fleet.refusal(1)).toMatchObject({ detail: 'breaker: its probe is under way' });
    await watch.answered();
    expect(await fleet.refusal(0)).toBeUndefined();
  });
});

describe('a half-open breaker', () => {
  it('lets one of many simultaneous calls through, and refuses the others', async () => {
    const fleet = await halfOpen();
    const results = await Promise.allSettled([0, 1, 2, 0, 1, 2].map((at) => fleet.admit(at, `grant-${at}`, 'p')));

    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      expect(result.reason).toMatchObject({ detail: 'breaker: its probe is under way', retryAfterSeconds: 10 });
    }
  });

  it('closes with the probe’s first byte', async () => {
    const fleet = await halfOpen();
    const { watch } = await fleet.admit(0, 'grant-1', 'partner-1');
    await watch.answered();
    await watch.end();

    expect(fleet.stored()).toEqual({ grants: 0, partners: 0 });
    expect(await fleet.refusal(0)).toBeUndefined();
    await fleet.pass(seconds(5));
    expect(await fleet.refusal(1)).toBeUndefined();
  });

  it('opens for twice as long each time its probe is late, for at most five minutes', async () => {
    const fleet = await halfOpen();
    const lengths: (number | undefined)[] = [];
    for (let probe = 0; probe < 6; probe += 1) {
      const { watch, record } = await fleet.admit(probe % 3, 'grant-1', 'partner-1');
      await fleet.pass(seconds(10));
      expect(record.signals).toEqual(['breakerOpened']);
      lengths.push(fleet.stored().openForMs);
      expect(await fleet.refusal(0)).toBeDefined();
      await watch.unanswered();
      await watch.end();
      expect(fleet.stored().openForMs).toBe(lengths.at(-1));
      await fleet.pass((lengths.at(-1) ?? 0) + 6000);
    }

    expect(lengths).toEqual([60_000, 120_000, 240_000, 300_000, 300_000, 300_000]);
  });

  it('closes when a probe that was late is answered after all', async () => {
    const fleet = await halfOpen();
    const { watch } = await fleet.admit(0, 'grant-1', 'partner-1');
    await fleet.pass(seconds(25));
    expect(fleet.stored().openForMs).toBe(60_000);
    await watch.answered();

    expect(fleet.stored().openUntilMs).toBeUndefined();
  });

  it('replaces a probe that died, after its time', async () => {
    const fleet = await halfOpen();
    // Its environment is never heard of again.
    await fleet.admit(0, 'grant-1', 'partner-1');
    fakeTimeouts();
    await fleet.pass(seconds(85));
    expect(await fleet.refusal(1)).toMatchObject({ detail: 'breaker: its probe is under way' });
    await fleet.pass(seconds(6));

    expect(await fleet.refusal(1)).toBeUndefined();
  });

  it('gives the turn to the next call if the probe ends without having asked the payer', async () => {
    const fleet = await halfOpen();
    const { watch } = await fleet.admit(0, 'grant-1', 'partner-1');
    await watch.end();
    await fleet.pass(seconds(6));

    expect(fleet.stored().probeBy).toBeUndefined();
    expect(await fleet.refusal(1)).toBeUndefined();
  });

  it('ends its probe’s call before another one could go', async () => {
    const fleet = await halfOpen();
    const probe = await fleet.admit(0, 'grant-1', 'partner-1');
    await fleet.pass(seconds(89));

    expect(probe.ended()).toMatchObject({ name: 'TimeoutError' });
  });

  it('sends no probe whose tokens took longer to refresh than a probe may', async () => {
    const fleet = await halfOpen();
    const { watch } = await fleet.admit(0, 'grant-1', 'partner-1');
    await fleet.pass(seconds(89));

    expect(() => watch.sent({ end: () => undefined })).toThrow(
      expect.objectContaining({ detail: 'breaker: the probe took too long to refresh payer tokens' }),
    );
  });

  it('knows its own probe again if the SDK repeats a write whose answer was lost', async () => {
    const fleet = await halfOpen();
    await fleet.pass(seconds(5));
    fleet.dynamo.repeatNext('UpdateItem');

    const { record } = await fleet.admit(0, 'grant-1', 'partner-1');
    expect(fleet.stored().probeBy).toBe(record.requestId);
  });
});

describe('while the table is out of reach', () => {
  it.each(['UpdateItem', 'GetItem'])('(%s) reads go on, and an alarm counts it once in five seconds', async (name) => {
    const fleet = setUp();
    fleet.dynamo.standIn(name, throttled);
    const first = await fleet.admit(0, 'grant-1', 'partner-1');
    await first.watch.unanswered();
    const second = await fleet.admit(0, 'grant-2', 'partner-1');

    expect(first.record).toMatchObject({ signals: ['limitsDown'], detail: 'limits: ThrottlingException' });
    expect(second.record.signals).toBeUndefined();
  });

  it('an environment that knows of an open breaker refuses until that is over, then lets calls through', async () => {
    const { fleet } = await opened();
    await fleet.pass(seconds(5));
    expect(await fleet.refusal(0)).toBeDefined();
    fleet.dynamo.standIn('GetItem', throttled);
    fleet.dynamo.standIn('UpdateItem', throttled);
    await fleet.pass(seconds(6));
    expect(await fleet.refusal(0)).toBeDefined();
    await fleet.pass(seconds(21));

    expect(await fleet.refusal(0)).toBeUndefined();
    expect(await fleet.refusal(0)).toBeUndefined();
  });

  it('a call does not wait longer for it than for its own look', async () => {
    const fleet = setUp();
    fleet.dynamo.standIn('GetItem', throttled);
    await fleet.refusal(0);
    fleet.dynamo.forget();
    for (let call = 0; call < 20; call += 1) await fleet.refusal(0);

    expect(fleet.dynamo.sent()).toEqual([]);
  });
});

const now = 1_780_315_200_000;
const open = (forMs: number) => ({ ...closedBreaker, openUntilMs: now + forMs });
const payer = (timeToFirstByte?: number) =>
  ({ id: 'northwind', quirks: timeToFirstByte === undefined ? {} : { timeToFirstByte } }) as Payer;

describe('a call that a breaker refuses', () => {
  it.each([
    ['while it is open', () => refuseAtOpen(open(30_000), now), 30, 'open'],
    ['in its last millisecond', () => refuseAtOpen(open(1), now), 1, 'open'],
    ['after its time by another clock', () => refuseAtOpen(open(-5000), now), 1, 'open'],
    ['beside its probe', () => refuseBesideProbe(10_000), 10, 'its probe is under way'],
    ['while it waited', () => refuseWaiting(open(12_001), now), 13, 'opened while the call waited'],
  ])('%s counts as a failure of the payer, and says when to ask again', (_when, make, retryAfter, why) => {
    expect(make()).toMatchObject({
      code: 'temporarily_unavailable',
      status: 503,
      publicMessage: 'The health plan does not answer at the moment. Please try again later.',
      retryAfterSeconds: retryAfter,
      detail: `breaker: ${why}`,
      signal: 'payerDown',
    });
  });
});

it('a payer has ten seconds, or a sixth of what its profile allows if that is more', () => {
  expect([firstByteMsOf(payer()), firstByteMsOf(payer(90))]).toEqual([60_000, 90_000]);
  expect([undefined, 30, 60, 61, 90, 120].map((most) => lateMsOf(payer(most), usualTimes))).toEqual([
    10_000,
    10_000,
    10_000,
    61_000 / 6,
    15_000,
    20_000,
  ]);
});

it('a table that is out of reach is counted, and does not hide why the read failed', () => {
  const record: GuardedCall['record'] = {
    requestId: 'request-1',
    detail: 'payer answered 500',
    signals: ['payerDown'],
  };

  noteFailure(record, 'TimeoutError');

  expect(record).toMatchObject({ detail: 'payer answered 500', signals: ['payerDown', 'limitsDown'] });
});

it('a late call that finds the breaker changed each time reads it anew, consistently, and gives up after four tries', async () => {
  const dynamo = memoryDynamo();
  dynamo.standIn('UpdateItem', () =>
    Promise.reject(new ConditionalCheckFailedException({ message: 'x', $metadata: {} })),
  );
  const clock = { now: () => now, monotonic: () => now };
  const limits = { client: dynamo.client, name: 'Limits' };
  const environment = { limits, clock, times: usualTimes, known: () => closedBreaker, note: () => undefined };
  const late: GuardedCall = {
    payer: payer(),
    grant: { grantId: 'g', partner: 'p' },
    record: { requestId: 'request-1' },
  };

  expect(await markOrOpen(environment, late)).toBe(false);

  const sent = dynamo.sent();
  expect(sent.filter(({ input }) => 'UpdateExpression' in input)).toHaveLength(4);
  const consistent = sent.flatMap(({ input }) => ('ConsistentRead' in input ? [input.ConsistentRead] : []));
  expect(consistent).toEqual([true, true, true, true]);
});

describe('a call through a breaker', () => {
  const call: GuardedCall = {
    payer: payer(),
    grant: { grantId: 'g', partner: 'p' },
    record: { requestId: 'request-1' },
  };
  const run = async (work: () => Promise<string>) => {
    const told: string[] = [];
    const note = (what: string) => async (): Promise<void> => void told.push(what);
    const watch = {
      sent: () => undefined,
      answered: note('answered'),
      unanswered: note('unanswered'),
      end: note('end'),
    };
    const breakers = { look: () => undefined, admit: async () => watch };
    const result = await throughBreaker({ breakers }, call, work).catch((error: unknown) => error);
    return { told, result };
  };

  it('ends once, and gives what the call gives', async () => {
    expect(await run(async () => 'answer')).toEqual({ told: ['end'], result: 'answer' });
  });

  it.each([
    ['payer_timeout', ['unanswered', 'end']],
    ['payer_error', ['end']],
    ['invalid_token', ['end']],
  ] as const)('that fails with %s tells it %j, and fails as the call did', async (code, expected) => {
    const error = new GatewayError(code, 'x');

    expect(await run(() => Promise.reject(error))).toEqual({ told: expected, result: error });
  });

  it('that fails in another way only ends', async () => {
    const error = new Error('payer_timeout');

    expect(await run(() => Promise.reject(error))).toEqual({ told: ['end'], result: error });
  });
});
