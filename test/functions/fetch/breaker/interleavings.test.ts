import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { payerBreakers } from '../../../../functions/fetch/breaker/breakers.ts';
import type { Watch } from '../../../../functions/fetch/breaker/watch-call.ts';
import type { Payer } from '../../../../functions/shared/registry/types.ts';
import { limitAttributes } from '../../../../functions/shared/store/attributes.ts';
import { usualTimes } from '../../../../functions/shared/store/breaker-item.ts';
import { openForCanary } from '../../../../functions/shared/store/breakers.ts';
import { readerOf } from '../../../../functions/shared/store/items.ts';
import { memoryDynamo } from '../../../support/memory-dynamo.ts';

/** One call of an environment, and what becomes of it. */
interface Call {
  readonly environment: number;
  readonly grant: number;
  readonly partner: number;
  /** Milliseconds before it. */
  readonly afterMs: number;
  readonly fate: 'answered' | 'unanswered' | 'lateThenAnswered' | 'givenUp' | 'dies';
}

const payer = { id: 'p', quirks: {} } as Payer;
const startMs = Date.UTC(2026, 5, 1);

const callsOf = (fates: readonly Call['fate'][], { partners = 3, grants = 8 } = {}) =>
  fc.array(
    fc.record<Call>({
      environment: fc.nat(3),
      grant: fc.nat(grants - 1),
      partner: fc.nat(partners - 1),
      afterMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(3000), fc.nat(40_000)),
      fate: fc.constantFrom(...fates),
    }),
    { minLength: 10, maxLength: 60 },
  );

/** Calls that open the breaker; then, once it may be tried again, the calls that were drawn, which is what brings probes. */
const whenOpenOf = (fates: readonly Call['fate'][]) =>
  callsOf(fates).map((calls): Call[] => {
    const late = Array.from({ length: 8 }, (_, at): Call => ({
      environment: at % 4,
      grant: at,
      partner: at % 3,
      afterMs: 0,
      fate: 'unanswered',
    }));
    return late.concat(calls.map((call, at) => (at % 8 === 0 ? Object.assign({}, call, { afterMs: 31_000 }) : call)));
  });

/** What happened, as an onlooker sees it who sees everything. */
interface Seen {
  /** Each opening by marks: the distinct grants and partners that were late since the last answer. */
  readonly openings: { readonly grants: number; readonly partners: number }[];
  mostProbes: number;
  refusals: number;
  /** Refusals of calls that began more than five seconds after the breaker had closed. */
  unexplained: number;
  /** Probes that were answered, and those of them after which the breaker was not closed at once. */
  answered: number;
  notClosed: number;
}

/**
 * Lets calls of four environments run into each other: every call to DynamoDB takes effect when the scheduler says so,
 * and none before it was sent.
 */
const interleave = async (scheduler: fc.Scheduler, calls: readonly Call[]): Promise<Seen> => {
  const dynamo = memoryDynamo();
  const time = { ms: startMs };
  const send = dynamo.client.send.bind(dynamo.client) as (command: object) => Promise<object>;
  const seen: Seen = { openings: [], mostProbes: 0, refusals: 0, unexplained: 0, answered: 0, notClosed: 0 };
  const item = () => readerOf(limitAttributes, dynamo.items('Limits').get('breaker#p') ?? {});
  const isOpen = (): boolean => item()('openUntilMs') !== undefined;
  let late: { grant: number; partner: number; overAtMs: number }[] = [];
  let closedAtMs = -Infinity;
  let probes = new Map<string, number>();

  let wasOpen = false;

  const onlook = (): void => {
    if (!wasOpen && isOpen()) {
      const recent = late.filter(({ overAtMs }) => overAtMs >= time.ms - usualTimes.windowMs);
      seen.openings.push({
        grants: new Set(recent.map(({ grant }) => grant)).size,
        partners: new Set(recent.map(({ partner }) => partner)).size,
      });
    }
    if (wasOpen && !isOpen()) {
      // A mark that is still on its way is written afterwards, and counts.
      late = late.filter(({ overAtMs }) => overAtMs === Infinity);
      probes = new Map();
      closedAtMs = time.ms;
    }
    wasOpen = isOpen();
    const [by, until] = [item()('probeBy'), item()('probeUntilMs')];
    if (by !== undefined && until !== undefined) probes.set(by, until);
    seen.mostProbes = Math.max(seen.mostProbes, [...probes.values()].filter((ms) => ms > time.ms).length);
  };
  Object.assign(dynamo.client, {
    send: async (command: object) => {
      await scheduler.schedule(Promise.resolve(), command.constructor.name);
      try {
        return await send(command);
      } finally {
        onlook();
        await scheduler.schedule(Promise.resolve(), 'answer');
      }
    },
  });
  const limits = { client: dynamo.client, name: 'Limits' };
  const environments = Array.from({ length: 4 }, () =>
    payerBreakers({ limits, clock: { now: () => time.ms, monotonic: () => time.ms } }),
  );

  const finish = async (watch: Watch, { grant, partner, fate }: Call, requestId: string): Promise<void> => {
    const beLate = async (): Promise<void> => {
      const own = { grant, partner, overAtMs: Infinity };
      late.push(own);
      await watch.unanswered();
      own.overAtMs = time.ms;
    };
    switch (fate) {
      case 'answered':
      case 'lateThenAnswered': {
        if (fate === 'lateThenAnswered') await beLate();
        const isProbe = item()('probeBy') === requestId;
        await watch.answered();
        if (isProbe) seen.answered += 1;
        if (isProbe && item()('probeBy') === requestId) seen.notClosed += 1;
        break;
      }
      case 'unanswered':
        await beLate();
        break;
      case 'givenUp':
        break;
      case 'dies':
        return;
    }
    await watch.end();
    probes.delete(requestId);
  };
  const run = async (call: Call, requestId: string): Promise<void> => {
    const breakers = environments[call.environment]!;
    const beganMs = time.ms;
    breakers.look('p');
    let watch: Watch;
    try {
      const grant = { grantId: `grant-${call.grant}`, partner: `partner-${call.partner}` };
      watch = await breakers.admit({ payer, grant, record: { requestId } });
    } catch {
      onlook();
      seen.refusals += 1;
      if (!isOpen() && closedAtMs < beganMs - usualTimes.knownForMs) seen.unexplained += 1;
      return;
    }
    await scheduler.schedule(Promise.resolve(), 'the payer');
    await finish(watch, call, requestId);
  };

  const running: Promise<void>[] = [];
  for (const [index, call] of calls.entries()) {
    // No call to DynamoDB is under way for seconds.
    for (let isUnderWay = call.afterMs > 0; isUnderWay; isUnderWay = scheduler.count() > 0) {
      await scheduler.waitAll();
      await nextTurn();
    }
    time.ms += call.afterMs;
    running.push(run(call, `request-${index}`));
    if (scheduler.count() > 0) await scheduler.waitOne();
  }
  await scheduler.waitFor(Promise.all(running));
  return seen;
};

const all = ['answered', 'unanswered', 'unanswered', 'unanswered', 'lateThenAnswered', 'givenUp', 'dies'] as const;

describe('however calls of four environments run into each other, a breaker', () => {
  it('never has two probes at once, and opens for no fewer than five grants and two partners', async () => {
    let [openings, refusals, probes, answered] = [0, 0, 0, 0];
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.oneof(callsOf(all), whenOpenOf(all)), async (scheduler, calls) => {
        const seen = await interleave(scheduler, calls);
        openings += seen.openings.length;
        refusals += seen.refusals;
        probes += seen.mostProbes;
        answered += seen.answered;
        expect(seen.mostProbes).toBeLessThanOrEqual(1);
        for (const { grants, partners } of seen.openings) {
          expect(grants).toBeGreaterThanOrEqual(5);
          expect(partners).toBeGreaterThanOrEqual(2);
        }
        expect(seen.notClosed).toBe(0);
        expect(seen.unexplained).toBe(0);
      }),
      { numRuns: 600, seed: 1, endOnFailure: true },
    );
    // The histories reach what they are about.
    expect(openings).toBeGreaterThan(10);
    expect(refusals).toBeGreaterThan(20);
    expect(probes).toBeGreaterThan(40);
    expect(answered).toBeGreaterThan(20);
  });

  it.each([
    ['one partner, however many its grants', { partners: 1, grants: 50 }],
    ['four grants, however many their partners', { partners: 9, grants: 4 }],
  ])('is never opened by %s', async (_name, who) => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), callsOf(['unanswered', 'dies', 'givenUp'], who), async (scheduler, calls) => {
        const seen = await interleave(scheduler, calls);
        expect(seen.openings).toEqual([]);
        expect(seen.refusals).toBe(0);
      }),
      { numRuns: 60, seed: 2 },
    );
  });
});

it('the canary and a reader that open a breaker at the same time open it once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const { client, items } = memoryDynamo();
      const send = client.send.bind(client) as (command: object) => Promise<object>;
      Object.assign(client, {
        send: (command: object) => scheduler.schedule(Promise.resolve()).then(() => send(command)),
      });
      const table = { client, name: 'Limits' };
      const results = await scheduler.waitFor(
        Promise.all([openForCanary(table, 'p', startMs), openForCanary(table, 'p', startMs + 1)]),
      );

      expect(results.filter(Boolean)).toHaveLength(1);
      expect(items('Limits').size).toBe(1);
    }),
    { numRuns: 20, seed: 3 },
  );
});
