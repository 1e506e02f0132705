import { createHmac } from 'node:crypto';
import { jest } from '@jest/globals';
import { mostTries } from '../../../functions/deliver/schedule.ts';
import { enableWebhook } from '../../../functions/shared/store/webhooks.ts';
import { metric } from '../../support/embedded-metrics.ts';
import { startMs } from '../../support/gateway.ts';
import { deliveries, eventOf, firstSecret, hour, minute, secretOf, verify } from './receivers.ts';

const [a, b] = ['https://a.example.org/', 'https://b.example.org/'];
const down = () => Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });

// The receiver's software compares the time with its own clock.
beforeEach(() => jest.useFakeTimers({ doNotFake: ['setImmediate', 'setTimeout', 'nextTick'], now: startMs }));
afterEach(() => jest.useRealTimers());

describe('a delivery', () => {
  it('is one signed post that the receiver’s software accepts, and has neither health data nor a member', async () => {
    const { run, got } = deliveries({ [a]: () => 200 });
    const outcome = await run(eventOf());
    expect(outcome).toMatchObject({ status: 'SUCCEEDED', result: { outcome: 'delivered', tries: 1 } });
    expect(got).toHaveLength(1);
    const { id, request } = got[0]!;
    expect(verify(firstSecret, request)).toEqual({
      type: 'export.completed',
      timestamp: '2026-06-01T12:00:00Z',
      data: { grant: 'grant-1', export: 'export-1', payer: 'northwind' },
    });
    expect(request.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'p2p-gateway',
      'webhook-id': id,
      'webhook-timestamp': String(startMs / 1000),
    });
    expect(id).toBe(eventOf().id);
  });

  it('has a signature that fits no other body, id, time or secret', async () => {
    const { run, got } = deliveries({ [a]: () => 200 });
    await run(eventOf());
    const { headers, body } = got[0]!.request;
    const wrong = [
      [firstSecret, { headers, body: body.replace('northwind', 'southwind') }],
      [firstSecret, { headers: { ...headers, 'webhook-id': 'evt_other' }, body }],
      [firstSecret, { headers: { ...headers, 'webhook-timestamp': String(startMs / 1000 + 1) }, body }],
      [secretOf(2), { headers, body }],
    ] as const;
    for (const [secret, request] of wrong) expect(() => verify(secret, request)).toThrow('No matching signature found');
    const key = Buffer.from(firstSecret.slice('whsec_'.length), 'base64');
    const signed = createHmac('sha256', key).update(`${headers['webhook-id']}.${startMs / 1000}.${body}`);
    expect(headers['webhook-signature']).toBe(`v1,${signed.digest('base64')}`);
  });

  it('starts once, however often the stream repeats its record', async () => {
    const { start, durable, got } = deliveries({ [a]: () => 200 });
    const arns = [eventOf(), eventOf(), eventOf()].map((event) => start(event));
    await durable.finish(arns[0] ?? '');
    await durable.finish(start(eventOf()));
    expect(new Set(arns).size).toBe(1);
    expect(got).toHaveLength(1);
  });

  it('to a receiver that is down for a day arrives within the next wait, and is signed anew each time', async () => {
    const { run, got } = deliveries({ [a]: ({ atMs }) => (atMs < 24 * hour ? down() : 204) });
    const outcome = await run(eventOf());
    expect(outcome.result).toEqual({ outcome: 'delivered', tries: 8 });
    expect(got).toHaveLength(8);
    expect(new Set(got.map(({ id }) => id)).size).toBe(1);
    const last = got.at(-1)!;
    expect(last.atMs).toBeGreaterThan(24 * hour);
    expect(last.atMs).toBeLessThan(24 * hour + 14 * hour);
    for (const { atMs, request } of got) {
      jest.setSystemTime(startMs + atMs);
      expect(verify(firstSecret, request)).toMatchObject({ type: 'export.completed' });
    }
  });

  it('is tried ten times in three days, each a little later than planned, then fails for good and raises the alarm', async () => {
    const { run, got, lines, log } = deliveries({ [a]: () => 503 });
    const outcome = await run(eventOf());
    // A failed execution would count as one that Lambda gave up.
    expect(outcome).toMatchObject({
      status: 'SUCCEEDED',
      result: { outcome: 'failed', tries: mostTries, detail: 'status 503' },
    });
    expect(got).toHaveLength(mostTries);
    const gaps = got.slice(1).map(({ atMs }, index) => (atMs - (got[index]?.atMs ?? 0)) / minute);
    const planned = [5 / 60, 5, 30, 120, 300, 600, 840, 1200, 1440];
    for (const [index, gap] of gaps.entries()) {
      expect(gap).toBeGreaterThanOrEqual(planned[index]!);
      expect(gap).toBeLessThanOrEqual(planned[index]! * 1.1 + 1 / 60);
    }
    expect(gaps.some((gap, index) => gap > planned[index]!)).toBe(true);
    expect(lines.map((line) => metric(line, 'deliveryFailed'))).toEqual([
      ...Array.from({ length: 9 }, () => ({})),
      { '': 1 },
    ]);
    expect(log().at(-1)).toMatchObject({
      level: 'error',
      tries: 10,
      outcome: 'failed',
      detail: 'status 503',
    });
    expect(log()[0]).toMatchObject({
      level: 'warn',
      event: eventOf().id,
      partner: 'demo-app',
      type: 'export.completed',
    });
  });

  it.each([
    ['a redirect', 302],
    ['a redirect that keeps the method', 308],
    ['“not modified”', 304],
    ['“gone” of another kind', 404],
    ['an error', 500],
    ['no status', 0],
    ['a refused connection', down()],
    ['a hang', Object.assign(new Error('late'), { name: 'TimeoutError' })],
    ['a private address', Object.assign(new Error('private'), { code: 'EPRIVATE' })],
  ])('that is answered with %s is tried again', async (_, answer) => {
    const { run, got } = deliveries({ [a]: () => (got.length === 1 ? answer : 200) });
    expect((await run(eventOf())).result).toEqual({ outcome: 'delivered', tries: 2 });
    expect(got.map(({ url }) => url)).toEqual([a, a]);
  });

  it('whose process dies after the post is posted again: delivery is at least once', async () => {
    let kills = 0;
    const { run, got } = deliveries(
      { [a]: () => 200 },
      {
        hooks: {
          before: ({ updates }) => {
            if (kills === 0 && updates.some(({ Action }) => Action === 'SUCCEED')) {
              kills += 1;
              throw new Error('lost');
            }
          },
        },
      },
    );
    expect((await run(eventOf())).result).toMatchObject({ outcome: 'delivered' });
    expect(got.length).toBeGreaterThanOrEqual(2);
    expect(new Set(got.map(({ id }) => id)).size).toBe(1);
  });

  it('leaves neither URL, secret nor signature in its history and log', async () => {
    const { run, got, lines, durable } = deliveries({ [a]: () => (got.length < 3 ? 500 : 200) });
    const { arn } = await run(eventOf());
    const { operations, vault } = durable.engine.find(arn);
    const kept = [...operations.values()].map((operation) =>
      JSON.stringify(operation, (_, value: unknown) =>
        value instanceof Uint8Array ? vault.open(value as never) : value,
      ),
    );
    const all = [...kept, ...lines].join('\n');
    expect(all).toContain(eventOf().id);
    expect(all).not.toMatch(/a\.example\.org|whsec_|v1,/);
  });
});

describe('a slow receiver', () => {
  it('does not hold up other partners’ events', async () => {
    const { start, durable, got } = deliveries({
      [a]: async () => {
        await durable.sleep(15_000);
        return Object.assign(new Error('late'), { name: 'TimeoutError' });
      },
      [b]: () => 200,
    });
    const slow = Array.from({ length: 5 }, (_, at) => start(eventOf({ at })));
    const fast = Array.from({ length: 5 }, (_, at) =>
      start(eventOf({ partner: 'demo-partner', type: 'export.partial', at })),
    );
    for (const arn of fast) expect((await durable.finish(arn)).result).toEqual({ outcome: 'delivered', tries: 1 });
    expect(got.filter(({ url }) => url === b).map(({ atMs }) => atMs)).toEqual(Array.from({ length: 5 }, () => 0));
    expect(slow.map((arn) => durable.summary(arn).status)).toEqual(Array.from(slow, () => 'RUNNING'));
  });
});

describe('a secret', () => {
  it('that is changed is used at the next try, and while there are two, either one verifies', async () => {
    const second = secretOf(2);
    const { run, got, setSecrets } = deliveries({
      [a]: ({ atMs }) => {
        if (got.length === 1) setSecrets('demo-app', second, firstSecret);
        if (got.length === 2) setSecrets('demo-app', second);
        jest.setSystemTime(startMs + atMs);
        const { request } = got.at(-1)!;
        const isRight = (secret: string): boolean => {
          try {
            return verify(secret, request) !== undefined;
          } catch {
            return false;
          }
        };
        right.push([firstSecret, second].map(isRight));
        return got.length < 3 ? 500 : 200;
      },
    });
    const right: boolean[][] = [];
    await run(eventOf());
    expect(right).toEqual([
      [true, false],
      [true, true],
      [false, true],
    ]);
    expect(got.map(({ request }) => request.headers['webhook-signature']?.split(' ').length)).toEqual([1, 2, 1]);
  });

  it.each([
    ['is missing', undefined],
    ['is empty', ''],
    ['is no JSON', 'whsec_abc'],
    ['has no secret in it', '{"secrets":[]}'],
    ['has three', JSON.stringify({ secrets: [secretOf(1), secretOf(2), secretOf(3)] })],
    ['is too short', JSON.stringify({ secrets: ['whsec_QUJD'] })],
    ['is of another kind', JSON.stringify({ secrets: ['whsk_' + secretOf(1).slice(6)] })],
  ])('that %s sends nothing unsigned, and the event waits for one', async (_, text) => {
    const { run, got, setText, setSecrets, log, durable } = deliveries({ [a]: () => 200 });
    setSecrets('demo-app');
    if (text !== undefined) setText('demo-app', text);
    const mend = durable.pass(hour).then(() => setSecrets('demo-app', secretOf(9)));
    const [outcome] = await Promise.all([run(eventOf()), mend]);
    expect(outcome.result).toEqual({ outcome: 'delivered', tries: 5 });
    expect(got).toHaveLength(1);
    expect(log()[0]).toMatchObject({
      detail: text === undefined ? 'ResourceNotFoundException' : 'Error:SECRET',
    });
  });
});

describe('a delivery ends quietly', () => {
  it('and disables the webhook, if the receiver answers 410; nothing more is sent until it is enabled', async () => {
    const { run, got, isDisabled, dynamo, lines } = deliveries({ [a]: () => (got.length === 1 ? 410 : 200) });
    expect((await run(eventOf())).result).toEqual({ outcome: 'gone', tries: 1 });
    expect(isDisabled('demo-app')).toBe(true);
    expect((await run(eventOf({ at: 1 }))).result).toEqual({ outcome: 'disabled', tries: 1 });
    expect(got).toHaveLength(1);
    await enableWebhook({ client: dynamo.client, name: 'Limits' }, 'demo-app');
    expect((await run(eventOf({ at: 2 }))).result).toEqual({ outcome: 'delivered', tries: 1 });
    expect(lines.map((line) => metric(line, 'deliveryFailed'))).toEqual([{}, {}, {}]);
  });

  it('of one partner’s, and leaves every other’s webhook as it is', async () => {
    const { run, isDisabled } = deliveries({ [a]: () => 410, [b]: () => 200 });
    await run(eventOf());
    expect(isDisabled('demo-partner')).toBe(false);
    expect((await run(eventOf({ partner: 'demo-partner' }))).result).toMatchObject({ outcome: 'delivered' });
  });

  it.each([
    ['is blocked', 'partnerBlocked', (world: ReturnType<typeof deliveries>) => void world.block('demo-app')],
    ['is removed', 'partnerRemoved', (world: ReturnType<typeof deliveries>) => world.remove('demo-app')],
    [
      'has no webhook any more',
      'noWebhook',
      (world: ReturnType<typeof deliveries>) => world.change('demo-app', undefined),
    ],
  ])('if the partner %s while it waits', async (_, outcome, change) => {
    const world = deliveries({ [a]: () => 500 });
    const arn = world.start(eventOf());
    await world.durable.until(() => world.got.length === 2);
    change(world);
    expect((await world.durable.finish(arn)).result).toEqual({ outcome, tries: 3 });
    expect(world.got).toHaveLength(2);
  });
});

describe('the URL', () => {
  it('is the registry’s at each try, so that a corrected one is used', async () => {
    const { run, got, change } = deliveries({
      [a]: () => {
        change('demo-app', b);
        return 404;
      },
      [b]: () => 200,
    });
    await run(eventOf());
    expect(got.map(({ url }) => url)).toEqual([a, b]);
  });

  it('is not known while the registry cannot be read: the event is tried again', async () => {
    const { run, got, registry, log } = deliveries({ [a]: () => 200 });
    const { partner } = registry;
    registry.partner = () => {
      registry.partner = partner;
      return Promise.reject(Object.assign(new Error('down'), { name: 'TimeoutError' }));
    };
    expect((await run(eventOf())).result).toEqual({ outcome: 'delivered', tries: 2 });
    expect(got).toHaveLength(1);
    expect(log()[0]).toMatchObject({ detail: 'TimeoutError' });
  });

  it('is not asked while it is unknown whether it is disabled', async () => {
    const { run, got, dynamo, log } = deliveries({ [a]: () => 200 });
    dynamo.failNext('GetItem', Object.assign(new Error('down'), { name: 'InternalServerError' }));
    expect((await run(eventOf())).result).toEqual({ outcome: 'delivered', tries: 2 });
    expect(got).toHaveLength(1);
    expect(log()[0]).toMatchObject({ detail: 'dynamodb: InternalServerError' });
  });
});

describe('a test event', () => {
  it('is tried once, and raises no alarm', async () => {
    const { run, got, lines } = deliveries({ [a]: () => 500 });
    expect((await run(eventOf({ type: 'webhook.test' }))).result).toMatchObject({ outcome: 'failed', tries: 1 });
    expect(got).toHaveLength(1);
    expect(metric(lines[0] ?? '', 'deliveryFailed')).toEqual({});
  });
});
