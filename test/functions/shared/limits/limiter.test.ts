import { jest } from '@jest/globals';
import { leaseFromTable, type LeaseSlots } from '../../../../functions/shared/limits/lease-slots.ts';
import { limiter, type Turn } from '../../../../functions/shared/limits/limiter.ts';
import { batchOf, boundsOf, freeSlots, wayOf, type Rate } from '../../../../functions/shared/limits/slots.ts';
import { memoryDynamo } from '../../../support/memory-dynamo.ts';

const startMs = Date.UTC(2026, 5, 1, 12);
const fifty = { perSecond: 50, burst: 100 };

/** One environment or several, with one clock and one table. */
const setUp = (lease?: LeaseSlots) => {
  const dynamo = memoryDynamo();
  const time = { ms: startMs };
  const clock = { now: () => time.ms, monotonic: () => time.ms - startMs };
  const environment = () =>
    limiter({ lease: lease ?? leaseFromTable({ client: dynamo.client, name: 'Limits' }), clock });
  const one = environment();
  const take = (rate: Rate, key = 'partner#a'): Promise<Turn> => one(key, rate);
  const takeMany = async (count: number, rate: Rate): Promise<number> => {
    let taken = 0;
    for (let call = 0; call < count; call += 1) if ((await take(rate)).taken) taken += 1;
    return taken;
  };
  return { dynamo, time, environment, take, takeMany, item: () => dynamo.items('Limits').get('partner#a') };
};

describe('one environment', () => {
  it('admits the whole burst at once, and at most a tenth more', async () => {
    const { takeMany } = setUp();

    expect(await takeMany(150, fifty)).toBe(110);
  });

  it('admits the sustained rate after that', async () => {
    const { takeMany, time } = setUp();
    await takeMany(150, fifty);
    let taken = 0;
    for (let ms = 0; ms < 10_000; ms += 10) {
      time.ms += 10;
      taken += await takeMany(1, fifty);
    }

    // The tenth by which the burst was exceeded is missing now.
    expect(taken).toBe(490);
  });

  it('admits no more than that after a long pause', async () => {
    const { takeMany, time } = setUp();
    await takeMany(1, fifty);
    time.ms += 3_600_000;

    expect(await takeMany(150, fifty)).toBe(110);
  });

  it('says after how many seconds a slow limit has room again, and then admits', async () => {
    const { take, time } = setUp();
    const slow = { perSecond: 0.1, burst: 1 };
    await take(slow);

    expect(await take(slow)).toEqual({ taken: false, remaining: 0, resetSeconds: 10 });
    time.ms += 9000;
    expect(await take(slow)).toEqual({ taken: false, remaining: 0, resetSeconds: 1 });
    time.ms += 1000;
    expect(await take(slow)).toMatchObject({ taken: true });
  });

  it('says when a burst that was exceeded by a tenth has room again: after what was too many, and one more', async () => {
    const { take, takeMany, time } = setUp();
    const slow = { perSecond: 1, burst: 20 };
    expect(await takeMany(30, slow)).toBe(22);

    expect(await take(slow)).toEqual({ taken: false, remaining: 0, resetSeconds: 3 });
    time.ms += 2000;
    expect(await take(slow)).toMatchObject({ taken: false });
    time.ms += 1000;
    expect(await take(slow)).toMatchObject({ taken: true });
  });

  it('counts each key separately', async () => {
    const { take } = setUp();
    const once = { perSecond: 1, burst: 1 };

    expect(await take(once, 'partner#a')).toMatchObject({ taken: true });
    expect(await take(once, 'payer#a')).toMatchObject({ taken: true });
    expect(await take(once, 'payer#a')).toMatchObject({ taken: false });
  });

  it('says how many are left, and when the whole burst is available again', async () => {
    const { take, time } = setUp();
    const rate = { perSecond: 1, burst: 3 };

    expect(await take(rate)).toEqual({ taken: true, remaining: 2, resetSeconds: 1 });
    expect(await take(rate)).toEqual({ taken: true, remaining: 1, resetSeconds: 2 });
    expect(await take(rate)).toEqual({ taken: true, remaining: 0, resetSeconds: 1 });
    time.ms += 60_000;
    expect(await take(rate)).toEqual({ taken: true, remaining: 2, resetSeconds: 1 });
  });
});

describe('the writes of an environment', () => {
  const writesOf = ({ dynamo }: ReturnType<typeof setUp>): number =>
    dynamo.calls().filter((name) => name === 'UpdateItem').length;

  it('grow in size with its use, up to a tenth of the burst: a hundred calls take eleven', async () => {
    const test = setUp();
    await test.takeMany(100, fifty);

    expect(writesOf(test)).toBe(11);
  });

  it('are fewer than one for ten calls while less than half of the limit is used, from slots that nobody took', async () => {
    const test = setUp();
    await test.takeMany(10, fifty);
    test.time.ms += 8000;
    writesOf(test);
    let taken = 0;
    for (let call = 0; call < 220; call += 1) {
      test.time.ms += 45;
      taken += await test.takeMany(1, fifty);
    }

    expect(taken).toBe(220);
    expect(writesOf(test)).toBeLessThanOrEqual(22);
  });

  it('are one, and no read, for a first call', async () => {
    const test = setUp();
    await test.take(fifty);

    expect(test.dynamo.calls()).toEqual(['UpdateItem']);
  });

  it.each([
    ['a high limit', fifty],
    ['a low limit', { perSecond: 1, burst: 1 }],
  ])('are not made for a call that is refused anyway: %s', async (_name, rate) => {
    const test = setUp();
    await test.takeMany(150, rate);
    test.dynamo.calls();

    expect(await test.takeMany(1000, rate)).toBe(0);
    expect(test.dynamo.calls()).toEqual([]);
  });

  it('are shared by concurrent calls', async () => {
    const test = setUp();
    const turns = await Promise.all(Array.from({ length: 150 }, () => test.take(fifty)));

    expect(turns.filter(({ taken }) => taken)).toHaveLength(110);
    expect(writesOf(test)).toBeLessThanOrEqual(10);
  });
});

describe('the time line of a limit', () => {
  const now = 1_000_000;

  it.each([
    // 400 ms of the limit, at least one and at most the burst.
    [50, 100, 20],
    [1000, 100, 100],
    [5, 10, 2],
    [4.9, 10, 1],
    [0.1, 3, 1],
  ])('gives %s a second with a burst of %i out in batches of %i', (perSecond, burst, batch) => {
    expect(batchOf({ perSecond, burst })).toBe(batch);
  });

  it.each([
    ['the burst ago to five seconds ahead', fifty, now - 2000, now + 5000],
    ['the burst ago to now, if batches are of one', { perSecond: 1, burst: 3 }, now - 3000, now - 999],
    ['the burst ago to what the caller waits', { perSecond: 10, burst: 1, aheadMs: 15_000 }, now - 100, now + 14_900],
  ])('goes from %s, and what is a minute ahead is damaged', (_, rate, oldestMs, latestMs) => {
    expect(boundsOf(rate, now)).toEqual({ oldestMs, latestMs, damagedMs: now + 60_000 });
  });

  it.each([
    [undefined, 'restart'],
    [now - 2001, 'restart'],
    [now - 2000, 'follow'],
    [now + 5000, 'follow'],
    [now + 5001, 'wait'],
    [now + 60_000, 'wait'],
    [now + 60_001, 'restart'],
  ])('that is taken up to %s of 1,000,000 ms lets the next ones %s', (takenUntilMs, way) => {
    expect(wayOf(takenUntilMs, boundsOf(fifty, now))).toBe(way);
  });

  it.each([
    [undefined, 100],
    [now - 9000, 100],
    [now - 1979, 99],
    [now - 39, 2],
    [now - 38, 1],
    [now, 0],
    [now + 5000, 0],
  ])('that is taken up to %s of 1,000,000 ms has %i slots free', (takenUntilMs, free) => {
    expect(freeSlots(fifty, takenUntilMs, now)).toBe(free);
  });
});

describe('the slots that an environment holds', () => {
  it.each([
    ['are used for ten seconds', 9999, []],
    ['are given up after ten seconds', 10_000, ['UpdateItem']],
  ])('%s', async (_, ms, calls) => {
    const { takeMany, time, dynamo } = setUp();
    // Leases of one, three and nine slots, of which eight are left.
    await takeMany(5, fifty);
    expect(dynamo.calls()).toEqual(['UpdateItem', 'UpdateItem', 'UpdateItem']);

    time.ms += ms;

    expect(await takeMany(1, fifty)).toBe(1);
    expect(dynamo.calls()).toEqual(calls);
  });
});

afterEach(() => {
  delete process.env['AWS_WAIT_FACTOR'];
  jest.restoreAllMocks();
});

it.each([
  ['a second, and each try 400 ms', undefined, 1000, 400],
  ['as long as it is told', { tryMs: 7, wholeMs: 9 }, 9, 7],
  ['as many times as long as the local stack says', undefined, 20_000, 8000, '20'],
])('a lease takes %s', async (_, times, wholeMs, tryMs, factor = '1') => {
  process.env['AWS_WAIT_FACTOR'] = factor;
  const timers = jest.spyOn(globalThis, 'setTimeout');
  const { dynamo } = setUp();
  const options: { readonly abortSignal?: AbortSignal }[] = [];
  const send = dynamo.client.send.bind(dynamo.client) as (command: object) => Promise<never>;
  Object.assign(dynamo.client, {
    send: (command: object, given: object) => {
      options.push(given);
      return send(command);
    },
  });
  const lease = leaseFromTable({ client: dynamo.client, name: 'Limits' }, times);

  // What was seen is over, and others take slots too: it reads before it writes.
  await lease({
    key: 'a',
    rate: fifty,
    needed: 1,
    slots: 1,
    alone: false,
    ahead: false,
    now: () => startMs,
    seenMs: undefined,
    crowded: true,
  });

  expect(timers.mock.calls.map(([, ms]) => ms)).toEqual([wholeMs]);
  const abortSignal = options[0]?.abortSignal;
  expect(abortSignal).toBeInstanceOf(AbortSignal);
  expect(options).toEqual([
    { requestTimeout: tryMs, abortSignal },
    { requestTimeout: tryMs, abortSignal },
  ]);
});

describe('the item', () => {
  it('says how far slots are taken, and expires an hour after it has any effect', async () => {
    const { take, item } = setUp();
    await take(fifty);

    expect(item()).toEqual({
      limitId: { S: 'partner#a' },
      takenUntilMs: { N: String(startMs - 2000 + 20) },
      expiresAt: { N: String(startMs / 1000 + 5 + 1 + 7 + 3600) },
    });
  });

  it('that TTL removed is restored completely', async () => {
    const { take, takeMany, dynamo, item, time } = setUp();
    await takeMany(40, fifty);
    dynamo.items('Limits').clear();
    time.ms += 20_000;
    await take(fifty);

    expect(Object.keys(item()!).sort()).toEqual(['expiresAt', 'limitId', 'takenUntilMs']);
  });

  it.each([
    ['is far ahead', '9999999999999'],
    ['is before all time', '-1'],
  ])('whose time %s locks no one out', async (_name, value) => {
    const { take, dynamo } = setUp();
    dynamo.items('Limits').set('partner#a', { limitId: { S: 'partner#a' }, takenUntilMs: { N: value } });

    expect(await take(fifty)).toMatchObject({ taken: true });
  });

  it('of a slow limit does not delay the same limit for long once it is fast', async () => {
    const { takeMany, time } = setUp();
    await takeMany(3, { perSecond: 0.01, burst: 3 });
    time.ms += 1;

    expect(await takeMany(50, fifty)).toBeLessThanOrEqual(10);
    time.ms += 3000;
    expect(await takeMany(200, fifty)).toBeGreaterThanOrEqual(20);
  });
});

describe('when the table is not available', () => {
  const throttled = Object.assign(new Error('slow down'), { name: 'ThrottlingException' });

  it('calls continue, each environment with the whole limit for itself, and the first one says why', async () => {
    const test = setUp(() => Promise.reject(throttled));
    const first = await test.take(fifty);
    let taken = 1;
    const failures: unknown[] = [];
    for (let call = 0; call < 149; call += 1) {
      const turn = await test.take(fifty);
      if (turn.taken) taken += 1;
      if (turn.failure !== undefined) failures.push(turn.failure);
    }

    expect(first).toMatchObject({ taken: true, failure: 'ThrottlingException' });
    expect(failures).toEqual([]);
    expect(taken).toBe(110);
  });

  it('it is asked again after five seconds, not on each call', async () => {
    let asked = 0;
    const test = setUp(() => {
      asked += 1;
      return Promise.reject(throttled);
    });
    await test.takeMany(1000, fifty);
    expect(asked).toBe(1);
    for (let second = 0; second < 11; second += 1) {
      test.time.ms += 1000;
      await test.takeMany(100, fifty);
    }

    expect(asked).toBe(3);
  });

  it("the limit is the fleet's again once the table is back", async () => {
    const test = setUp();
    test.dynamo.failNext('UpdateItem', throttled);
    expect(await test.take(fifty)).toMatchObject({ taken: true, failure: 'ThrottlingException' });
    test.time.ms += 16_000;
    const other = test.environment();
    for (let call = 0; call < 150; call += 1) await other('partner#a', fifty);

    expect(await test.takeMany(10, fifty)).toBe(0);
  });

  it('neither a lost answer nor its repetition admits more', async () => {
    const test = setUp();
    test.dynamo.repeatNext('UpdateItem');

    expect(await test.takeMany(150, fifty)).toBeLessThanOrEqual(110);
  });
});

it.each([3, 7, 0.37151925927976165, 33.3, 999.9])(
  'the first call of an idle limit is admitted, and so is one that waited, at %s per second',
  async (perSecond) => {
    const { take, time } = setUp();
    for (let call = 0; call < 50; call += 1) {
      expect(await take({ perSecond, burst: 1 })).toMatchObject({ taken: true });
      time.ms += Math.ceil(1000 / perSecond);
    }
  },
);

it('a burst of a slow limit is admitted completely if environments start together and their writes overlap', async () => {
  const { dynamo, time, environment } = setUp();
  const rate = { perSecond: 0.1, burst: 3 };
  const clock = { now: () => time.ms, monotonic: () => time.ms - startMs };
  const turns: Promise<Turn>[] = [];
  for (let index = 0; index < 10; index += 1) {
    // The one that started first writes last, and looked at the clock long before.
    let steps = 2 * (10 - index);
    const send: typeof dynamo.client.send = async (...given: readonly unknown[]) => {
      for (; steps > 0; steps -= 1) await new Promise((resolve) => setImmediate(resolve));
      return (dynamo.client.send as (...all: readonly unknown[]) => Promise<never>)(...given);
    };
    const table = { client: { send } as unknown as typeof dynamo.client, name: 'Limits' };
    turns.push(limiter({ lease: leaseFromTable(table), clock })('partner#a', rate));
    time.ms += 5;
  }

  expect((await Promise.all(turns)).filter(({ taken }) => taken)).toHaveLength(3);
  expect(await environment()('partner#a', rate)).toMatchObject({ taken: false });
});
