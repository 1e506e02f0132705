import type { DurableLambdaHandler } from '@aws/durable-execution-sdk-js';
import { endIfFailed } from '../../../functions/export-job/end/end-if-failed.ts';
import { usualBuffers } from '../../../functions/export-job/job/buffers.ts';
import { mostOperations } from '../../../functions/export-job/successor.ts';
import { unavailable } from '../../../functions/shared/errors.ts';
import { readKeptParts } from '../../../functions/shared/exports/kept-parts.ts';
import { keptName, manifestName, prefixOf } from '../../../functions/shared/exports/object-names.ts';
import { entryIds } from '../../../functions/shared/registry/entry-items.ts';
import type { Partner } from '../../../functions/shared/registry/types.ts';
import { sha256 } from '../../../functions/shared/store/crypto.ts';
import { isOverdue } from '../../../functions/shared/store/export-item.ts';
import { LambdaError } from '../../../sandbox/aws/durable/errors.ts';
import {
  exportWorld,
  memberPatient,
  observation,
  pageOf,
  type PayerScript,
  type WorldOptions,
} from '../../support/export-world.ts';

const throttled = { status: 429, headers: { 'retry-after': '600' } };

/** Two pages, between which the payer asks to wait for ten minutes. */
const slowWorld = (options: WorldOptions = {}) => {
  const world = exportWorld(options);
  let asked = 0;
  world.answerWith(({ path }) => {
    if (!path.includes('page=2')) return pageOf([memberPatient], `${world.base}?page=2`);
    asked += 1;
    return asked === 1 ? throttled : pageOf([observation(1)]);
  });
  return world;
};

const startAndWait = async (world: ReturnType<typeof slowWorld>): Promise<string> => {
  await world.kickOff();
  const arn = world.start();
  await world.durable.untilPaused();
  expect((await world.item())?.resources).toBe(1);
  return arn;
};

const invocation = (exportId: string, arn = 'arn') =>
  ({
    DurableExecutionArn: arn,
    CheckpointToken: 'token',
    InitialExecutionState: { Operations: [{ ExecutionDetails: { InputPayload: JSON.stringify({ exportId }) } }] },
  }) as unknown as Parameters<DurableLambdaHandler>[0];

/** The age at which an export has a quarter of an hour left to read, in seconds. */
const almostTwoDays = 2 * 86_400 - 900;

const stop = { at: 1, by: 'operator', reason: 'a test' };

type World = ReturnType<typeof slowWorld>;

/** Changes what the registry knows, from now on. */
const register = (
  { deps }: World,
  now: { readonly partner?: Partner | undefined; readonly payer?: undefined },
): void => {
  const { registry } = deps;
  const partner: typeof registry.partner = async (...which) =>
    'partner' in now ? now.partner : registry.partner(...which);
  const payer: typeof registry.payer = async (...which) => ('payer' in now ? now.payer : registry.payer(...which));
  Object.assign(deps, { registry: { ...registry, partner, payer } });
};

/** The log lines of ends. */
const endsLogged = ({ lines }: Pick<World, 'lines'>): readonly Record<string, unknown>[] =>
  lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => 'outcome' in line);

describe('a job whose', () => {
  it('export is deleted stops without another request', async () => {
    const world = slowWorld();
    const arn = await startAndWait(world);
    const { length } = world.asked;

    await world.deleteExport();

    expect((await world.durable.finish(arn)).result).toEqual({ status: 'gone', resources: 0 });
    expect(world.asked).toHaveLength(length);
  });

  it('export is deleted during a leg asks for no further page, and says in the audit and the log what it has read', async () => {
    const world = exportWorld();
    world.answerWith(async () => {
      await world.deleteExport();
      return pageOf([memberPatient], `${world.base}?page=2`);
    });

    expect((await world.run()).result).toEqual({ status: 'gone', resources: 0 });

    expect(world.asked).toHaveLength(1);
    expect(world.dynamo.puts('Audit').map(({ type }) => type?.S)).toEqual(['opened', 'ended']);
    expect(world.lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { next: 'gone', pages: 1, resources: 1 },
    ]);
  });

  it('item cannot be read before a page is not taken for deleted: the leg is read again', async () => {
    const world = exportWorld();
    const outage = Object.assign(new Error('down'), { name: 'InternalServerError' });
    world.answerWith(({ path }) => {
      if (path.includes('page=2')) return pageOf([observation(1)]);
      if (world.asked.length === 1) world.dynamo.failNext('GetItem', outage);
      return pageOf([memberPatient], `${world.base}?page=2`);
    });

    expect((await world.run()).result).toMatchObject({ status: 'completed', resources: 2 });

    expect(world.asked.map(({ path }) => path.includes('page=2'))).toEqual([false, false, true]);
  });

  it.each([
    ['grant ends', 'grantEnded', (world: World) => world.endGrant()],
    [
      'partner is blocked',
      'partnerBlocked',
      async ({ stops }: World) => void stops.set(entryIds.partner('demo-partner'), stop),
    ],
    ['partner is removed', 'partnerRemoved', async (world: World) => register(world, { partner: undefined })],
    [
      'partner may no longer read from the payer',
      'partnerRemoved',
      async (world: World) => {
        const partner = (await world.deps.registry.partner('demo-partner'))!;
        register(world, { partner: { ...partner, payers: ['demo-health-plan'] } });
      },
    ],
    ['payer is removed', 'payerRemoved', async (world: World) => register(world, { payer: undefined })],
  ])('%s ends as failed with %s, without files, another request or an alarm', async (_, why, end) => {
    const world = slowWorld();
    const arn = await startAndWait(world);
    const { length } = world.asked;

    await end(world);
    await world.durable.finish(arn);

    const item = (await world.item())!;
    expect(item).toMatchObject({ status: 'failed', resources: 1 });
    for (const secret of ['payerToken', 'payerTokenExpiresAt', 'stateKey']) expect(item).not.toHaveProperty(secret);
    expect(world.asked).toHaveLength(length);
    expect(world.objects.has(manifestName(world.exportId))).toBe(false);
    expect(endsLogged(world)).toMatchObject([{ level: 'info', outcome: 'failed', detail: why, resources: 1 }]);
    expect(endsLogged(world)[0]).not.toHaveProperty('exportFailed');
  });

  it.each([
    ['every five minutes', undefined, 300],
    ['a quarter of an hour before its end at the latest', 3600, 900],
  ])('payer is paused looks again %s, and goes on', async (_, pauseSeconds, seconds) => {
    const looks = new Set<number>();
    const world = slowWorld({
      tokenLives: 86_400,
      onCall: (name) => void (name === 'GetItemCommand' && looks.add(world.durable.now() / 1000)),
    });
    const arn = await startAndWait(world);
    looks.clear();
    const until = Math.floor(world.durable.now() / 1000) + 600 + (pauseSeconds ?? 0);
    world.stops.set(entryIds.payer('northwind'), pauseSeconds === undefined ? stop : { ...stop, until });
    await world.durable.pass(3_600_000);
    expect(world.asked).toHaveLength(2);

    world.stops.delete(entryIds.payer('northwind'));
    await world.durable.finish(arn);

    const [first = 0, ...others] = looks;
    expect(others.slice(0, 3)).toEqual([first + seconds, first + 2 * seconds, first + 3 * seconds]);
    expect(await world.item()).toMatchObject({ status: 'completed', resources: 2 });
  });

  const beforeBegin = async (world: World): Promise<string> => {
    world.stops.set(entryIds.payer('northwind'), stop);
    await world.kickOff();
    return world.start();
  };
  it.each([
    ['after its first leg', 'partial', 1, startAndWait],
    ['before it could begin', 'failed', 0, beforeBegin],
  ] as const)('payer stays paused %s ends two days after the kick-off as %s', async (_, status, resources, begin) => {
    const world = slowWorld({ age: almostTwoDays });
    const startedAt = world.durable.now();
    const arn = await begin(world);
    world.stops.set(entryIds.payer('northwind'), stop);

    await world.durable.finish(arn);

    expect(await world.item()).toMatchObject({ status, resources });
    expect(world.durable.now() - startedAt).toBeGreaterThanOrEqual(900_000);
    expect(world.durable.now() - startedAt).toBeLessThan(1_500_000);
  });

  it('token is over waits for a poll until the two days are over, not for a day more', async () => {
    const world = slowWorld({ age: almostTwoDays, tokenLives: 400 });
    const startedAt = world.durable.now();
    const arn = await startAndWait(world);

    await world.durable.finish(arn);

    expect(await world.item()).toMatchObject({ status: 'partial' });
    expect((await world.record()).errors).toEqual(['$everything is not complete: the export took longer than it may.']);
    expect(world.durable.now() - startedAt).toBeLessThan(1_500_000);
  });

  it('end cannot be written tries for most of a day, every ten minutes, and leaves an export that is overdue', async () => {
    let fails = false;
    const tries: number[] = [];
    const world = slowWorld({
      age: almostTwoDays,
      onCall: (name) => {
        if (!fails || name !== 'UpdateItemCommand') return;
        tries.push(world.durable.now() / 1000);
        throw new Error('out of reach');
      },
    });
    const arn = await startAndWait(world);
    fails = true;

    await world.durable.finish(arn);

    const pauses = tries.slice(1).map((at, index) => at - tries[index]!);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(601);
    const longest = pauses.filter((pause) => pause >= 300);
    expect(longest.length).toBeGreaterThan(130);
    expect(longest.length).toBeLessThan(250);
    const item = await world.item();
    expect(item).toMatchObject({ status: 'running' });
    expect(item!.expiresAt - item!.startedAt).toBe(3 * 86_400);
  });

  it("payer's breaker is open waits until it may be half-open", async () => {
    const world = exportWorld({ payer: () => pageOf([memberPatient]) });
    const untilMs = world.durable.now() + 120_000;
    world.dynamo.items('Limits').set('breaker#northwind', {
      limitId: { S: 'breaker#northwind' },
      openUntilMs: { N: String(untilMs) },
      openForMs: { N: '120000' },
    });

    await world.run();

    expect(await world.item()).toMatchObject({ status: 'completed' });
    expect(world.durable.now()).toBeGreaterThanOrEqual(untilMs);
    expect(world.durable.now()).toBeLessThan(untilMs + 2000);
  });

  it('token is over asks the next poll for one, and ends with what it has after a day without a poll', async () => {
    const world = exportWorld({ tokenLives: 0 });
    const startedAt = world.durable.now();
    await world.kickOff();
    const arn = world.start();
    await world.untilItWaits();
    expect(world.asked).toEqual([]);
    expect((await world.item())?.wanted).toMatchObject({ refusedVersion: 1 });

    await world.durable.finish(arn);

    expect((world.durable.now() - startedAt) / 1000).toBe(86_400);
    expect(await world.item()).toMatchObject({ status: 'failed' });
    expect((await world.record()).errors).toEqual([
      "$everything is not complete: the payer's access token ended, and no poll renewed it within a day.",
    ]);
  });

  it('bucket refuses everything ends as failed after twelve tries in half an hour at most', async () => {
    let puts = 0;
    const world = exportWorld({
      onCall: (name) => {
        if (name !== 'put') return;
        puts += 1;
        throw unavailable('s3: AccessDenied');
      },
    });

    const startedAt = world.durable.now();
    const { result } = await world.run();

    expect(result).toEqual({ status: 'failed', resources: 0 });
    expect(await world.item()).toMatchObject({ status: 'failed' });
    expect(endsLogged(world)).toMatchObject([
      { level: 'error', outcome: 'failed', detail: 's3: AccessDenied', exportFailed: 1 },
    ]);
    expect(puts).toBe(12);
    // 2, 4, 8 seconds and so on, five minutes at most; each between the half and the whole.
    expect(world.durable.now() - startedAt).toBeGreaterThanOrEqual(705_000);
    expect(world.durable.now() - startedAt).toBeLessThan(1_425_000);
  });

  it('key is disabled ends as failed after its tries', async () => {
    const world = exportWorld({
      onCall: (name) => {
        if (name === 'openInJob') throw new Error('the key is disabled');
      },
    });

    await world.run();

    expect(await world.item()).toMatchObject({ status: 'failed' });
  });

  it('bucket is out of reach for ten minutes loses nothing', async () => {
    let until = 0;
    const world = exportWorld({
      onCall: (name) => {
        if (name === 'put' && world.durable.now() < until) throw new Error('out of reach');
      },
    });
    until = world.durable.now() + 600_000;

    await world.run();

    expect(await world.item()).toMatchObject({ status: 'completed', resources: 1 });
  });
});

describe('an export that two executions were started for', () => {
  it('goes on with the one that began it, though the other cannot even begin', async () => {
    let fails = false;
    const world = exportWorld({
      tokenLives: 86_400,
      onCall: (name) => {
        if (fails && name === 'GetItemCommand') throw unavailable('dynamodb: out of reach');
      },
    });
    let asked = 0;
    world.answerWith(() => {
      asked += 1;
      return asked === 1 ? { status: 429, headers: { 'retry-after': '7200' } } : pageOf([memberPatient]);
    });
    await world.kickOff();
    const winner = world.start();
    await world.durable.untilPaused();

    fails = true;
    const loser = world.durable.start('job', { exportId: world.exportId }, `${world.exportId}-1`);
    await world.durable.pass(3_000_000);
    fails = false;

    expect((await world.durable.finish(loser)).result).toEqual({ status: 'gone', resources: 0 });
    expect((await world.durable.finish(winner)).result).toEqual({ status: 'completed', resources: 1 });
    expect(world.lines.filter((line) => line.includes('"outcome"'))).toHaveLength(1);
  });

  it('fails if the execution that continues it cannot begin', async () => {
    let fails = true;
    const world = exportWorld({
      tokenLives: 86_400,
      deps: { mostOperations: 3 },
      onCall: (name) => {
        if (fails && name === 'GetItemCommand' && world.durable.engine.executions().length > 1)
          throw unavailable('dynamodb: out of reach');
      },
    });
    world.answerWith(() => ({ status: 429, headers: { 'retry-after': '60' } }));
    await world.kickOff();
    world.start();

    await world.durable.pass(3_000_000);
    fails = false;
    await world.durable.finish(world.durable.engine.executions().at(-1)!.arn);

    expect(world.durable.engine.executions()).toHaveLength(2);
    expect(await world.item()).toMatchObject({ status: 'failed' });
  });
});

describe('an export that is overdue', () => {
  const overdue = async (world: World) => {
    const item = world.dynamo.items('Exports').get(world.grantId)!;
    item['expiresAt'] = { N: String(Math.floor(world.durable.now() / 1000) + 60) };
  };
  const expectNoSecrets = async (world: World) => {
    const item = await world.item();
    expect(isOverdue(item!, Math.floor(world.durable.now() / 1000))).toBe(true);
    for (const secret of ['payerToken', 'payerTokenExpiresAt', 'stateKey', 'wanted'])
      expect(item).not.toHaveProperty(secret);
  };

  it('keeps no secret of the job, which ends when it next looks', async () => {
    const world = slowWorld();
    const arn = await startAndWait(world);
    await overdue(world);

    expect((await world.durable.finish(arn)).result).toEqual({ status: 'gone', resources: 0 });

    await expectNoSecrets(world);
  });

  it('keeps none if it waited for a token', async () => {
    const world = slowWorld({ tokenLives: 400 });
    const arn = await startAndWait(world);
    await world.untilItWaits();
    await overdue(world);

    await world.durable.finish(arn);

    await expectNoSecrets(world);
  });

  it('keeps none if the engine ends its execution', async () => {
    const world = slowWorld();
    const arn = await startAndWait(world);
    await overdue(world);
    await world.durable.pass(120_000);
    const handler = endIfFailed(world.deps, () => Promise.resolve({ Status: 'FAILED' } as never));

    await handler(invocation(world.exportId, arn), {} as never);

    await expectNoSecrets(world);
  });
});

it('a page with more than 9 MB is put in parts before it ends; if one is refused it is read again, and the payer is not blamed', async () => {
  const document = (id: number) => observation(id, { note: [{ text: 'x'.repeat(4_800_000) }] });
  let puts = 0;
  const world = exportWorld({
    payer: () => pageOf([memberPatient, ...[1, 2, 3].map(document)]),
    deps: { newBuffers: usualBuffers },
    onCall: (name) => {
      if (name === 'put' && (puts += 1) === 2) throw unavailable('s3: SlowDown');
    },
  });

  await world.run();

  const { resources, manifest, errors } = await world.record();
  expect(resources['Observation']?.map(({ id }) => id)).toEqual(['o-1', 'o-2', 'o-3']);
  expect(errors).toEqual([]);
  expect(manifest.files.map(({ type, parts }) => [type, parts.length])).toEqual([
    ['Patient', 1],
    ['Observation', 2],
    ['Provenance', 1],
  ]);
  expect(world.asked).toHaveLength(2);
});

describe('the end of an export', () => {
  it.each([
    ['seven days', {}, 7 * 86_400],
    ['as long as the stage says', { deps: { fileSeconds: 3600 } }, 3600],
    ['as long as the grant lives', { grantLives: 5000 }, 4390],
  ])('has its figures in the item and in the log, and the files are kept %s', async (_, options, keptSeconds) => {
    const world = slowWorld({ startMs: Date.parse('2026-01-01T00:00:00Z'), ...options });
    const startedAt = world.durable.now() / 1000;
    const endedAt = startedAt + 610;
    world.answerWith(async ({ path }) => {
      if (path.includes('page=2')) return world.asked.length > 2 ? pageOf([observation(1)]) : throttled;
      await world.durable.sleep(10_000);
      return pageOf([memberPatient], `${world.base}?page=2`);
    });

    await world.run();

    const { manifestDigest, ...item } = (await world.item())!;
    expect(manifestDigest).toBe(sha256(world.objects.get(manifestName(world.exportId))!));
    expect(item).toMatchObject({
      status: 'completed',
      resources: 2,
      typesDone: 0,
      typesTotal: 0,
      startedAt,
      endedAt,
      expiresAt: endedAt + keptSeconds,
    });
    for (const secret of ['payerToken', 'payerTokenExpiresAt', 'payerTokenAt', 'stateKey'])
      expect(item).not.toHaveProperty(secret);
    expect(endsLogged(world)).toEqual([
      {
        level: 'info',
        time: '2026-01-01T00:10:10.000Z',
        function: 'export-job',
        grantId: world.grantId,
        payer: 'northwind',
        partner: 'demo-partner',
        requestId: 'kick-off',
        outcome: 'completed',
        resources: 2,
        seconds: 610,
        exports: 1,
        exportResources: 2,
        exportMs: 610_000,
        _aws: {
          Timestamp: endedAt * 1000,
          CloudWatchMetrics: [
            {
              Namespace: 'p2p-gateway/local',
              Dimensions: [['outcome']],
              Metrics: [{ Name: 'exports', Unit: 'Count' }],
            },
            {
              Namespace: 'p2p-gateway/local',
              Dimensions: [[]],
              Metrics: [
                { Name: 'exportResources', Unit: 'Count' },
                { Name: 'exportMs', Unit: 'Milliseconds' },
              ],
            },
          ],
        },
      },
    ]);
  });
});

it.each<[string, string | undefined, PayerScript]>([
  ['completed', undefined, () => pageOf([memberPatient])],
  ['failed', 'nothing came: typeRefused 403', () => ({ status: 403 })],
  ['failed', 'nothing came: referenceGone 404', ({ path }) => (path.includes('$') ? pageOf([]) : { status: 404 })],
])('an end whose answer is lost is logged once, with its metrics and why: %s, %s', async (outcome, detail, payer) => {
  let lost = 0;
  const world: World = exportWorld({
    payer,
    afterCall: (name) => {
      const status = world.dynamo.items('Exports').get(world.grantId)?.['status']?.S;
      if (name !== 'UpdateItemCommand' || status !== outcome || lost > 0) return;
      lost += 1;
      throw Object.assign(new Error('no answer'), { name: 'TimeoutError' });
    },
  });

  await world.run();

  expect(lost).toBe(1);
  expect(await world.item()).toMatchObject({ status: outcome });
  const [end, ...more] = endsLogged(world);
  expect([end, more]).toMatchObject([{ outcome, exports: 1 }, []]);
  expect(end?.['detail']).toBe(detail);
});

describe('an execution that the engine ends', () => {
  it('leaves no export that runs', async () => {
    const world = exportWorld();
    await world.kickOff();
    const handler = endIfFailed(world.deps, () => Promise.resolve({ Status: 'FAILED' } as never));

    expect(await handler(invocation(world.exportId), {} as never)).toEqual({ Status: 'FAILED' });

    expect(await world.item()).toMatchObject({ status: 'failed' });
    expect(world.lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { level: 'error', outcome: 'failed', detail: 'executionFailed', exportFailed: 1 },
    ]);
  });

  it.each<[string, string, (world: World) => Promise<unknown>]>([
    ['that another execution has begun', 'FAILED', startAndWait],
    ['that goes on', 'PENDING', (world) => world.kickOff()],
  ])('leaves an export alone %s', async (_, Status, begin) => {
    const world = slowWorld();
    await begin(world);
    const handler = endIfFailed(world.deps, () => Promise.resolve({ Status } as never));

    await handler(invocation(world.exportId), {} as never);

    expect(await world.item()).toMatchObject({ status: 'running' });
  });

  it.each([
    ['its leg', 'leg'],
    ['its end', 'finish'],
  ])(
    'is not one whose checkpoint token AWS refuses at %s: another invocation goes on, and nothing is lost',
    async (_, name) => {
      let refused = 0;
      const world = exportWorld({
        payer: () => pageOf([memberPatient, observation(1)]),
        hooks: {
          before: ({ updates }) => {
            if (refused > 0 || !updates.some(({ Name, Action }) => Name === name && Action === 'SUCCEED'))
              return undefined;
            refused += 1;
            return new LambdaError('InvalidParameterValueException', 400, 'Invalid checkpoint token');
          },
        },
      });

      await world.run();

      expect(refused).toBe(1);
      expect(await world.item()).toMatchObject({ status: 'completed', resources: 2 });
      expect((await world.record()).resources['Observation']).toHaveLength(1);
      expect(world.lines.filter((line) => line.includes('"outcome"'))).toHaveLength(1);
    },
  );

  it('because AWS refuses every checkpoint leaves no export that runs for ever', async () => {
    const world = exportWorld({
      age: 3 * 86_400 - 1800,
      executionTimeoutSeconds: 3600,
      hooks: { before: () => new LambdaError('InvalidParameterValueException', 400, 'Invalid checkpoint token') },
    });
    await world.kickOff();

    expect((await world.durable.finish(world.start())).status).toBe('TIMED_OUT');

    const item = await world.item();
    expect(isOverdue(item!, Math.floor(world.durable.now() / 1000))).toBe(true);
  });

  it('because a checkpoint is refused for its size fails, and so does its export', async () => {
    const world = exportWorld({
      hooks: {
        before: ({ updates }) =>
          updates.some(({ Name, Action }) => Name === 'leg' && Action === 'SUCCEED')
            ? new LambdaError('RequestEntityTooLargeException', 413, 'too large')
            : undefined,
      },
    });
    await world.kickOff();

    expect((await world.durable.finish(world.start())).status).toBe('FAILED');
    expect(await world.item()).toMatchObject({ status: 'failed' });
  });
});

it('shows no less progress after a leg whose checkpoint failed, though its repetition reads less', async () => {
  let isRefused = false;
  const world = exportWorld({
    hooks: {
      before: ({ updates }) => {
        if (isRefused || !updates.some(({ Name, Action }) => Name === 'leg' && Action === 'SUCCEED')) return undefined;
        isRefused = true;
        return new LambdaError('InvalidParameterValueException', 400, 'Invalid checkpoint token');
      },
    },
  });
  world.answerWith(({ path }) => {
    if (path.includes('page=2')) return throttled;
    return isRefused ? throttled : pageOf([memberPatient, observation(1)], `${world.base}?page=2`);
  });
  await world.kickOff();
  world.start();

  await world.durable.pass(60_000);

  expect(isRefused).toBe(true);
  expect(world.asked.filter(({ path }) => !path.includes('page=2'))).toHaveLength(2);
  expect(await world.item()).toMatchObject({ status: 'running', resources: 2 });
});

describe('an export of many legs', () => {
  /** A payer that asks to wait before each page, so that each is a leg and an invocation of its own. */
  const patientWorld = (pages: number, options: WorldOptions = {}) => {
    const world = exportWorld(options);
    const waited = new Set<string>();
    world.answerWith(({ path }) => {
      if (path.startsWith('/Practitioner/')) {
        return { ...pageOf([]), body: JSON.stringify({ resourceType: 'Practitioner', id: path.slice(14) }) };
      }
      const page = Number(/page=(\d+)/.exec(path)?.[1] ?? 1);
      if (!waited.has(path)) {
        waited.add(path);
        return { status: 429, headers: { 'retry-after': '60' } };
      }
      const seen = (number: number) =>
        observation(number, { performer: [{ reference: `Practitioner/p${number % 7}` }] });
      const next = page < pages ? `${world.base}?page=${page + 1}` : undefined;
      return pageOf([memberPatient, seen(page), seen(1)], next, { total: pages + 1 });
    });
    return world;
  };

  const idsOf = async (world: ReturnType<typeof exportWorld>) =>
    Object.values((await world.record()).resources).flatMap((all) => all.map(({ id }) => id));

  it('goes on from snapshots of its state, and loses nothing', async () => {
    // Two legs for each page, and a snapshot after 32 others: three of them.
    const world = patientWorld(52);

    await world.run();

    expect(await world.item()).toMatchObject({ status: 'completed', resources: 60 });
    const ids = await idsOf(world);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(61);
  });

  it('goes on in execution after execution, each named after the export, and loses nothing', async () => {
    const world = patientWorld(40, { deps: { mostOperations: 30 } });

    await world.run();

    expect(await world.item()).toMatchObject({ status: 'completed', resources: 48 });
    const executions = world.durable.engine.executions();
    expect(executions.length).toBeGreaterThan(3);
    expect(executions.every(({ status }) => status === 'SUCCEEDED')).toBe(true);
    const ids = await idsOf(world);
    expect(new Set(ids).size).toBe(ids.length);
    // A deletion of the export stops this execution.
    expect((await world.item())?.executionArn).toBe(executions.at(-1)?.arn);
  });

  it('has far fewer operations in an execution than AWS allows, though each leg waits for a token', async () => {
    const world = exportWorld({ tokenLives: 0, polledLives: 20, deps: { mostOperations: 30 } });
    world.answerWith(async ({ path }) => {
      await world.durable.sleep(15_000);
      const page = Number(/page=(\d+)/.exec(path)?.[1] ?? 1);
      return pageOf(
        [page === 1 ? memberPatient : observation(page)],
        page < 25 ? `${world.base}?page=${page + 1}` : undefined,
      );
    });

    await world.run();

    expect(await world.item()).toMatchObject({ status: 'completed', resources: 25 });
    const made = world.durable.engine.executions().map(({ meteredOperations }) => meteredOperations);
    expect(made.length).toBeGreaterThan(2);
    // The execution, its begin, its last snapshot and its successor come beside.
    expect(Math.max(...made)).toBe(30 + 4);
    // AWS's quota is 3,000, and counts each retry.
    expect(mostOperations + 4).toBeLessThanOrEqual(2700);
    expect(mostOperations + 4).toBeGreaterThan(2000);
  });

  it('keeps only the parts of its manifest', async () => {
    const world = patientWorld(3);

    await world.run();

    const { manifest } = await world.record();
    const parts = manifest.files.flatMap((file) => file.parts.map(({ object }) => object));
    const kept = Buffer.from(world.objects.get(keptName(world.exportId))!).toString('utf8');
    expect([...readKeptParts(kept)].toSorted()).toEqual(parts.toSorted());
    expect([...world.objects.keys()].every((name) => name.startsWith(prefixOf(world.exportId)))).toBe(true);
  });
});

describe('what is kept and logged', () => {
  it('has a line for each step that fails, with its name and why', async () => {
    const failed = new Set<string>();
    const note = ({ lines, grantId }: World): void => {
      for (const line of lines.map((text) => JSON.parse(text) as Readonly<Record<string, unknown>>)) {
        if (!('jobStep' in line)) continue;
        expect(line).toMatchObject({
          level: 'error',
          grantId,
          detail: expect.any(String),
        });
        failed.add(String(line['jobStep']));
      }
    };
    // An export that takes several executions and waits for tokens. Each of its calls fails once.
    for (let [at, calls] = [1, Infinity]; at <= calls; at += 1) {
      let call = 0;
      const world = exportWorld({
        tokenLives: 0,
        polledLives: 20,
        deps: { mostOperations: 3 },
        onCall: (name) => {
          if (name !== 'payer' && (call += 1) === at) throw unavailable('out of reach');
        },
      });
      await world.run();
      calls = Math.min(calls, call);
      note(world);
    }
    // An export that cannot begin, and whose last step fails once.
    const lost: World = exportWorld({
      onCall: (name) => {
        if (name === 'put' || (name === 'UpdateItemCommand' && lost.lines.length === 12))
          throw unavailable('out of reach');
      },
    });
    await lost.run();
    note(lost);

    const all = ['begin', 'leg', 'ask-for-token', 'snapshot', 'successor', 'manifest', 'finish', 'stop'];
    expect([...failed].toSorted()).toEqual(all.toSorted());
  });

  it('has no token, no name and no id of a resource', async () => {
    const world = slowWorld();
    await world.run();

    const all = [
      world.durable.engine.dump(),
      ...world.lines,
      ...[...world.objects.values()].map((bytes) => Buffer.from(bytes).toString('latin1')),
    ].join('\n');

    for (const secret of ['token-1', 'Amber', 'o-1', 'member-1', 'Observation', 'page=2']) {
      expect(all.includes(secret) ? secret : undefined).toBeUndefined();
    }
  });
});
