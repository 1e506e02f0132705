import { jest } from '@jest/globals';
import {
  closedBreaker,
  isMarked,
  markOf,
  stateOf,
  stepOf,
  usualTimes,
  type Breaker,
} from '../../../../functions/shared/store/breaker-item.ts';
import {
  closeBreaker,
  markLate,
  openBreaker,
  openForCanary,
  readBreaker,
  releaseProbe,
  reopenBreaker,
  takeProbe,
} from '../../../../functions/shared/store/breakers.ts';
import { sha256 } from '../../../../functions/shared/store/crypto.ts';
import { memoryDynamo } from '../../../support/memory-dynamo.ts';

const now = 1_780_315_200_000;
const seconds = now / 1000;
const mark = { grant: 'grant-1', partner: 'partner-1' };

const setUp = () => {
  const dynamo = memoryDynamo();
  const table = { client: dynamo.client, name: 'Limits' };
  return {
    dynamo,
    table,
    stored: () => dynamo.items('Limits').get('breaker#northwind'),
    read: (): Promise<Breaker> => readBreaker(table, 'northwind', { consistent: true }),
    /** As if it had been written like this. */
    put: (item: Record<string, { N: string } | { S: string } | { SS: string[] }>) =>
      void dynamo.items('Limits').set('breaker#northwind', { limitId: { S: 'breaker#northwind' }, ...item }),
  };
};
const time = (at: number) => ({ N: String(at) });

describe('a breaker’s item', () => {
  it('is closed without marks if there is none', async () => {
    expect(await setUp().read()).toEqual(closedBreaker);
  });

  it('is waited for no longer than 400 ms a try, to read it and to write it, and a second in all', async () => {
    const { dynamo, table } = setUp();
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const given: unknown[] = [];
    const send = dynamo.client.send.bind(dynamo.client) as (command: object) => Promise<object>;
    Object.assign(dynamo.client, {
      send: (command: object, options: unknown) => {
        given.push(options);
        return send(command);
      },
    });

    await readBreaker(table, 'northwind', { consistent: false });
    await openForCanary(table, 'northwind', now);

    const limits = { requestTimeout: 400, abortSignal: expect.any(AbortSignal) as unknown };
    expect(given).toEqual([limits, limits]);
    expect(timers.mock.calls.map(([, ms]) => ms)).toEqual([1000, 1000]);
    timers.mockRestore();
  });

  it('has the first late call’s marks, and is kept for an hour longer than they count', async () => {
    const { table, stored } = setUp();

    const written = await markLate(table, 'northwind', closedBreaker, mark, now, usualTimes);

    expect(stored()).toEqual({
      limitId: { S: 'breaker#northwind' },
      lateSinceMs: time(now),
      lateGrants: { SS: ['grant-1'] },
      latePartners: { SS: ['partner-1'] },
      expiresAt: time(seconds + 60 + 3600),
    });
    expect(written).toMatchObject({ lateSinceMs: now, lateGrants: ['grant-1'], latePartners: ['partner-1'] });
  });

  it('gets further marks, no sixth grant, and keeps when the first was made', async () => {
    const { table, stored, read } = setUp();
    let breaker = (await markLate(table, 'northwind', closedBreaker, mark, now, usualTimes)) ?? closedBreaker;
    for (const id of [2, 3, 4, 5, 6, 7]) {
      const next = { grant: `grant-${id}`, partner: `partner-${id}` };
      breaker = (await markLate(table, 'northwind', breaker, next, now + id, usualTimes)) ?? breaker;
    }

    expect((await read()).lateGrants.toSorted()).toEqual(['grant-1', 'grant-2', 'grant-3', 'grant-4', 'grant-5']);
    expect(stored()).toMatchObject({ lateSinceMs: time(now), expiresAt: time(seconds + 1 + 60 + 3600) });
  });

  it('gets no mark of a call that read it before others changed it', async () => {
    const { table, stored } = setUp();
    await markLate(table, 'northwind', closedBreaker, mark, now, usualTimes);
    const before = stored();

    expect(await markLate(table, 'northwind', closedBreaker, mark, now + 1, usualTimes)).toBeUndefined();
    expect(stored()).toEqual(before);
  });

  it('opens for 30 seconds, once', async () => {
    const { table, stored, read } = setUp();
    await markLate(table, 'northwind', closedBreaker, mark, now, usualTimes);
    const marked = await read();

    const opened = await openBreaker(table, 'northwind', marked, now + 8000, usualTimes);

    expect(opened).toMatchObject({ openUntilMs: now + 38_000, openForMs: 30_000 });
    expect(stored()).toMatchObject({ openForMs: time(30_000), expiresAt: time(seconds + 38 + 3600) });
    expect(await openBreaker(table, 'northwind', marked, now + 9000, usualTimes)).toBeUndefined();
  });

  it('does not open if something answered since it was read, or if it has never been written', async () => {
    const { table, read, stored } = setUp();
    expect(await openBreaker(table, 'northwind', closedBreaker, now, usualTimes)).toBeUndefined();
    await markLate(table, 'northwind', closedBreaker, mark, now, usualTimes);
    const marked = await read();
    await closeBreaker(table, 'northwind');

    expect(await openBreaker(table, 'northwind', marked, now, usualTimes)).toBeUndefined();
    expect(stored()).toEqual({ limitId: { S: 'breaker#northwind' }, expiresAt: time(seconds + 60 + 3600) });
  });

  it('is opened by the canary if it is closed or its time is over, and not while it is open', async () => {
    const { table, put, stored } = setUp();

    expect(await openForCanary(table, 'northwind', now)).toBe(true);
    expect(stored()).toEqual({
      limitId: { S: 'breaker#northwind' },
      openUntilMs: time(now + 30_000),
      openForMs: time(30_000),
      expiresAt: time(seconds + 30 + 3600),
    });
    expect(await openForCanary(table, 'northwind', now + 29_999)).toBe(false);
    expect(await openForCanary(table, 'northwind', now + 30_000)).toBe(true);
    put({ openUntilMs: time(now + 1) });
    expect(await openForCanary(table, 'northwind', now)).toBe(false);
  });

  it('has one probe, which may repeat its own write', async () => {
    const { table, put, stored, read } = setUp();
    put({ openUntilMs: time(now - 1), openForMs: time(30_000) });
    const seen = await read();
    const untilMs = now + 90_000;

    const taken = await takeProbe(table, 'northwind', seen, { by: 'request-1', untilMs });

    expect(taken).toMatchObject({ probeBy: 'request-1', probeUntilMs: untilMs });
    expect(stored()).toMatchObject({ expiresAt: time(seconds + 90 + 3600) });
    expect(await takeProbe(table, 'northwind', seen, { by: 'request-2', untilMs })).toBeUndefined();
    expect(await takeProbe(table, 'northwind', seen, { by: 'request-1', untilMs })).toBeDefined();
  });

  it('has no probe if it is closed', async () => {
    const { table, stored } = setUp();

    expect(await takeProbe(table, 'northwind', closedBreaker, { by: 'request-1', untilMs: now })).toBeUndefined();
    expect(stored()).toBeUndefined();
  });

  it.each([
    [undefined, 30_000],
    [10_000, 30_000],
    [30_000, 60_000],
    [150_000, 300_000],
    [200_000, 300_000],
  ])('that was open for %s ms opens again for %s ms after a late probe, and only for that probe', async (was, next) => {
    const { table, put, stored, read } = setUp();
    put({
      openUntilMs: time(now - 1),
      probeBy: { S: 'request-1' },
      ...(was === undefined ? {} : { openForMs: time(was) }),
    });
    const seen = await read();

    expect(await reopenBreaker(table, 'northwind', seen, { by: 'request-2', nowMs: now }, usualTimes)).toBeUndefined();
    await reopenBreaker(table, 'northwind', seen, { by: 'request-1', nowMs: now }, usualTimes);

    expect(stored()).toMatchObject({
      openUntilMs: time(now + next),
      openForMs: time(next),
      expiresAt: time(seconds + next / 1000 + 3600),
    });
  });

  it('is released by its own probe only', async () => {
    const { table, put, stored } = setUp();
    put({ openUntilMs: time(now), probeBy: { S: 'request-1' }, probeUntilMs: time(now) });

    expect(await releaseProbe(table, 'northwind', 'request-2')).toBeUndefined();
    expect(await releaseProbe(table, 'northwind', 'request-1')).toBeDefined();
    expect(stored()).toEqual({ limitId: { S: 'breaker#northwind' }, openUntilMs: time(now) });
  });

  it.each([
    ['marked', { lateSinceMs: time(now), lateGrants: { SS: ['g'] }, latePartners: { SS: ['p'] } }],
    ['open', { openUntilMs: time(now), openForMs: time(30_000), probeBy: { S: 'request-1' }, probeUntilMs: time(now) }],
  ])('that is %s is closed without a trace', async (_how, item) => {
    const { table, put, stored } = setUp();
    put(item);

    await closeBreaker(table, 'northwind');

    expect(stored()).toEqual({ limitId: { S: 'breaker#northwind' } });
  });

  it('that is closed is not written again', async () => {
    const { table, put, stored } = setUp();
    expect(await closeBreaker(table, 'northwind')).toBeUndefined();
    expect(stored()).toBeUndefined();
    put({});
    expect(await closeBreaker(table, 'northwind')).toBeUndefined();
  });

  it('is not taken for unchanged if the table fails: the caller goes on without it', async () => {
    const { table, dynamo } = setUp();
    dynamo.failNext('UpdateItem', Object.assign(new Error('slow down'), { name: 'ThrottlingException' }));

    await expect(openForCanary(table, 'northwind', now)).rejects.toMatchObject({ name: 'ThrottlingException' });
  });
});

const breaker = (change: Partial<Breaker>): Breaker => ({ ...closedBreaker, ...change });
const five = ['a', 'b', 'c', 'd', 'e'];
const two = ['p', 'q'];

describe('a breaker', () => {
  it.each<[string, Partial<Breaker>, string]>([
    ['never opened', {}, 'closed'],
    ['open for one more millisecond', { openUntilMs: now + 1 }, 'open'],
    ['open until this millisecond', { openUntilMs: now }, 'halfOpen'],
    ['open for as long as clocks allow', { openUntilMs: now + 302_000 }, 'open'],
    ['open for longer than anyone could write', { openUntilMs: now + 302_001 }, 'halfOpen'],
    ['half-open, its probe under way for one more millisecond', { openUntilMs: 1, probeUntilMs: now + 1 }, 'probing'],
    ['half-open, its probe over in this millisecond', { openUntilMs: 1, probeUntilMs: now }, 'halfOpen'],
    ['half-open, its probe as long as a function runs', { openUntilMs: 1, probeUntilMs: now + 900_000 }, 'probing'],
    ['half-open, its probe longer than a function runs', { openUntilMs: 1, probeUntilMs: now + 900_001 }, 'halfOpen'],
    ['open, whatever its probe', { openUntilMs: now + 1, probeUntilMs: now + 1 }, 'open'],
    ['closed, whatever its probe', { probeUntilMs: now + 1 }, 'closed'],
  ])('%s', (_title, change, state) => {
    expect(stateOf(breaker(change), now, usualTimes)).toBe(state);
  });

  it.each([
    [undefined, false],
    [now, true],
    [now - 59_999, true],
    [now - 60_000, false],
    [now + 2000, true],
    [now + 2001, false],
  ])('with marks of %s counts them for a minute, and clocks may be two seconds apart: %s', (lateSinceMs, is) => {
    expect(isMarked(breaker({ lateSinceMs }), now, usualTimes)).toBe(is);
  });
});

it('a mark holds short hashes, not ids', () => {
  expect(markOf({ grantId: 'grant-1', partner: 'partner-1' })).toEqual({
    grant: sha256('grant-1').slice(0, 8),
    partner: sha256('partner-1').slice(0, 8),
  });
});

describe('a late call', () => {
  const marked = (grants: readonly string[], partners: readonly string[], since = 7000): Breaker =>
    breaker({ lateSinceMs: now - since, lateGrants: grants, latePartners: partners });

  it.each<[string, Breaker, string, string, string]>([
    ['marks a breaker without marks', closedBreaker, 'a', 'p', 'mark'],
    ['replaces marks of an earlier minute', marked(five, two, 60_000), 'a', 'p', 'mark'],
    ['leaves an open breaker alone', { ...marked(five, two), openUntilMs: 1 }, 'f', 'r', 'none'],
    ['adds a fifth grant', marked(five.slice(1), two), 'a', 'p', 'mark'],
    ['adds no sixth grant, and opens', marked(five, two), 'f', 'p', 'open'],
    ['adds a second partner', marked(five, ['p']), 'a', 'q', 'mark'],
    ['adds no third partner, and opens', marked(five, two), 'a', 'r', 'open'],
    ['does not open with four grants that are known', marked(five.slice(1), two), 'b', 'p', 'none'],
    ['does not open with one partner that is known', marked(five, ['p']), 'a', 'p', 'none'],
    ['opens once marks have stood for seven seconds', marked(five, two, 7000), 'a', 'p', 'open'],
    ['does not open a millisecond earlier', marked(five, two, 6999), 'a', 'p', 'none'],
  ])('%s', (_title, before, grant, partner, step) => {
    expect(stepOf(before, { grant, partner }, now, usualTimes)).toBe(step);
  });
});
