import { entryIds } from '../../../functions/shared/registry/entry-items.ts';
import { LambdaError } from '../../../sandbox/aws/durable/errors.ts';
import type { WorldOptions } from '../../support/export-world.ts';
import { randomOf } from '../../support/random.ts';
import type { World } from './end-of.ts';
import {
  askedFor,
  cameOf,
  first,
  matched,
  observation,
  observations,
  patients,
  people,
  pickerOf,
  run,
  runningIn,
  second,
  seeds,
  three,
  two,
  worldOf,
  type Exchange,
} from './exchange-run.ts';
import { groupInput, memberOf, type Plan } from './former-plan.ts';

describe('the end of a group export', () => {
  const blocked = 'the partner is blocked';
  const waits = { status: 202, headers: { 'retry-after': '3600' } };
  it.each<[string, string, (world: World) => unknown, Plan?]>([
    ['the partner deletes it', 'gone', (world) => world.deleteExport()],
    [
      blocked,
      'failed',
      ({ stops }) => stops.set(entryIds.partner('demo-partner'), { at: 1, by: 'operator', reason: 'test' }),
    ],
    ['all has come', 'completed', () => undefined],
    ['the plan refuses it', 'failed', () => undefined, { manifest: { output: 'none' } }],
    [
      'it took too long',
      'failed',
      () => undefined,
      { instead: ({ path, method }) => (path === '/status/1' && method === 'GET' ? waits : undefined) },
    ],
  ])(
    'is told to the plan before its place among those that run is free: %s',
    async (what, status, end, more = { busy: 50 }) => {
      const counted: number[] = [];
      const world = worldOf(groupInput([memberOf('a')]), (its) => ({
        output: [patients('a')],
        ...more,
        instead: (asked) => {
          if (asked.method === 'DELETE') counted.push(runningIn(its));
          return more.instead?.(asked);
        },
      }));
      await world.kickOff();
      const arn = world.start();
      await world.durable.until(() => world.asked.some(({ path }) => path === '/status/1'));

      await end(world);

      expect((await world.durable.finish(arn)).result).toMatchObject({ status });
      expect([counted, runningIn(world)]).toEqual([[1], 0]);
      if (what === blocked) expect(cameOf(world)).toEqual([{ ...memberOf('a'), outcome: 'notDelivered' }]);
    },
  );

  const refusing = (name: string): WorldOptions => ({
    onCall: (call) => {
      if (call === name) throw new Error('out of reach');
    },
  });
  it.each<[string, WorldOptions, number, Partial<Plan>?]>([
    [
      'the plan does not take its end',
      {},
      5,
      { instead: ({ method }) => (method === 'DELETE' ? { status: 503 } : undefined) },
    ],
    ['its job cannot begin', refusing('sealForJob'), 0],
    ['its job has begun, and cannot write its first state', refusing('put'), 0],
    [
      'the engine ends its job',
      {
        hooks: {
          before: ({ updates }) =>
            updates.some(({ Name, Action }) => Name === 'leg' && Action === 'SUCCEED')
              ? new LambdaError('RequestEntityTooLargeException', 413, 'too large')
              : undefined,
        },
      },
      1,
    ],
  ])('leaves its place among those that run free, though %s', async (_, options, told, plan = {}) => {
    const world = worldOf(groupInput([memberOf('a')]), { output: [patients('a')], ...plan }, options);
    await world.kickOff();

    await world.durable.finish(world.start());

    expect(await world.item()).not.toMatchObject({ status: 'running' });
    expect(runningIn(world)).toBe(0);
    expect(askedFor(world, 'DELETE')).toHaveLength(told);
  });

  it.each<[string, Exchange, number]>([
    ['an export is told to the plan', groupInput([memberOf('a')]), 1],
    ['a match is not told to the plan, whose Group may go with it', three, 0],
  ])('of %s though its execution was stopped, and its place is free', async (_, exchange, told) => {
    const world = worldOf(exchange, { busy: 50 });
    await world.kickOff();
    const arn = world.start();
    await world.durable.until(() => askedFor(world, '/status/1').length > 0);
    world.durable.engine.stop(arn);
    await world.durable.finish(world.start('meanwhile'));
    expect([askedFor(world, 'DELETE').length, runningIn(world)]).toEqual([0, 1]);

    await world.deleteExport();
    await world.durable.finish(world.start('gone'));
    await world.durable.finish(world.start('gone-again'));

    expect([askedFor(world, 'DELETE').length, runningIn(world)]).toEqual([told, 0]);
    expect(
      [...world.dynamo.items('Exchanges').values()].filter(({ name }) => name?.S?.startsWith('accepted/')),
    ).toEqual([]);
  });

  it.each<[string, Exchange]>([
    ['an export', groupInput(two)],
    ['a match', three],
  ])('is not asked for twice if the result of the leg that asked is lost: %s', async (_, exchange) => {
    let isLost = false;
    const world = worldOf(
      exchange,
      { output: [people] },
      {
        onCall: (name) => {
          if (name !== 'put' || isLost || askedFor(world, 'POST').length === 0) return;
          isLost = true;
          throw new Error('out of reach');
        },
      },
    );

    await world.run();

    expect({ isLost, asked: askedFor(world, 'POST').length }).toEqual({ isLost: true, asked: 1 });
  });
});

describe('an exchange is whole', () => {
  const lines = Array.from({ length: 30 }, (_, at) => `${at} ${at % 2 === 0 ? 'a' : 'b'}`);
  const output = [
    { ...people, count: 2 },
    { ...observations(...lines), count: 30 },
  ];
  /** Runs an exchange, and expects that it has all. */
  const runWhole = async (exchange: Exchange, plan: Plan, options: WorldOptions) => {
    const { world, errors, status, ids } = await run(exchange, plan, options);
    const count = exchange.kind === 'match' ? 2 : 32;
    expect({ errors, status, ids: ids.length }).toEqual({ errors: [], status: 'completed', ids: count });
    expect(runningIn(world)).toBe(0);
    return world;
  };

  it.each<[string, Exchange, Plan]>([
    ['a match', three, matched(first, second)],
    ['a group export', groupInput(two), { output, busy: 3 }],
  ])('%s whose process is killed after any checkpoint', async (_, exchange, plan) => {
    let checkpoints = 0;
    const runKilled = (killed: number) => {
      checkpoints = 0;
      return runWhole(exchange, plan, { killAfter: () => (checkpoints += 1) === killed });
    };
    await runKilled(-1);
    const made = checkpoints;
    expect(made).toBeGreaterThan(8);
    for (let killed = 1; killed <= made; killed += 1) {
      const world = await runKilled(killed);
      expect(askedFor(world, 'POST')).toHaveLength(1);
      if (exchange.kind === 'group') expect(askedFor(world, 'DELETE').length).toBeGreaterThanOrEqual(1);
    }
  });

  it.each([
    ['fails', 'onCall'],
    ['has its effect and its answer is lost', 'afterCall'],
  ] as const)('when the call of any dependency %s, whichever it is', async (_, moment) => {
    let calls = 0;
    const runFailing = (failing: number) => {
      calls = 0;
      const fail = (name: string) => {
        // A read has no effect: if its answer is lost, that is a call that fails.
        if (moment === 'afterCall' && name === 'GetItemCommand') return;
        calls += 1;
        if (calls === failing) throw new Error(`call ${failing} of ${name}`);
      };
      return runWhole(groupInput(two), { output, busy: 2 }, { [moment]: fail });
    };
    await runFailing(-1);
    const made = calls;
    expect(made).toBeGreaterThan(30);
    for (let failing = 1; failing <= made; failing += 1) await runFailing(failing);
  });
});

/** What a lying plan says, and what is true of it. */
interface Lie {
  readonly line: object | string;
  /** Whether it belongs in the record. */
  readonly isKept: boolean;
  /** What the account says of it, if it names it. */
  readonly named?: RegExp;
}

describe('whatever a plan makes up', () => {
  it.each(seeds)('the record has what is of the Group, and the account names the rest: seed %i', async (seed) => {
    const random = randomOf(seed);
    const pick = pickerOf(random);
    const members = Array.from({ length: 1 + Math.floor(random() * 5) }, (_, at) => memberOf(`m${at}`));
    const ids = members.map(({ reference }) => reference.slice('Patient/'.length));
    let number = 0;
    const next = (letter: string): string => `${letter}${(number += 1)}`;
    const seen: ReturnType<typeof observation>[] = [];
    const kept = (line: object): Lie => ({ line, isKept: true });
    const leftOut = (line: object | string, named = /left out/): Lie => ({ line, isKept: false, named });
    const lies: readonly (() => Lie)[] = [
      () => {
        seen.push(observation(next('o'), pick(ids)));
        return kept(seen.at(-1)!);
      },
      () => kept({ resourceType: 'Practitioner', id: next('p') }),
      () => leftOut(observation(next('s'), pick(['stranger', 'm9', 'M0', 'm0/x']))),
      () => leftOut({ ...observation(next('u'), ''), subject: {} }, /whom (?:it is|they are) about cannot be read/),
      () => leftOut(pick(['{', 'null', '"x"', '{"resourceType":5}', '{"resourceType":"Nope"}'])),
      () => (seen.length === 0 ? leftOut('{') : leftOut(pick(seen), /came before/)),
      () =>
        seen.length === 0
          ? leftOut('{')
          : leftOut({ ...pick(seen), status: next('other ') }, /came before with other content/),
      () => leftOut({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'exception' }] }, /remark/),
    ];
    const files = Array.from({ length: 1 + Math.floor(random() * 4) }, () => {
      const made = Array.from({ length: Math.floor(random() * 30) }, () => pick(lies)());
      const counts = [undefined, made.length, made.length + 1 + Math.floor(random() * 9), Math.floor(random() * 3)];
      return { made, count: pick(counts), type: pick(['Observation', 'Practitioner']) };
    });

    const { lines, errors, complete, outcomes } = await run(groupInput(members), {
      output: files.map(({ made, count, type }) => ({ type, count, lines: made.map(({ line }) => line) })),
    });

    const all = files.flatMap(({ made }) => made);
    const whole = all.filter(({ isKept }) => isKept).map(({ line }) => JSON.stringify(line));
    const given = lines.filter((line) => !line.startsWith('{"resourceType":"Provenance"'));
    expect(given.toSorted()).toEqual(whole.toSorted());
    const text = errors.join('\n');
    for (const { named } of all) if (named !== undefined) expect(text).toMatch(named);
    for (const [at, { made, count }] of files.entries()) {
      const said = `^File ${at + 1} \\(\\w+\\) has ${made.length} lines?, and the payer names ${count ?? ''}\\.$`;
      if (count !== undefined && count !== made.length) expect(text).toMatch(new RegExp(said, 'm'));
      else expect(text).not.toMatch(new RegExp(`^File ${at + 1} .*has`, 'm'));
    }
    const about = new Set(seen.map(({ subject }) => subject.reference));
    for (const { submitted, reference } of members) {
      expect(errors.includes(`Nothing came about member ${submitted}.`)).toBe(!about.has(reference));
    }
    const counted = Object.values(outcomes).reduce((sum, outcome) => sum + Number(outcome.split(' ')[1]), 0);
    expect(counted).toBe(whole.length);
    const lacks = /cannot be read|not valid JSON|not one of FHIR|Resources may be missing|Nothing came|other content/;
    if (lacks.test(text)) expect(complete).toBe(false);
  });
});
