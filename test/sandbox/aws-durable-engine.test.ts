import { StepSemantics, type DurableExecutionHandler } from '@aws/durable-execution-sdk-js';
import { simulatedDurable, type DurableOptions } from '../support/durable.ts';

const day = 86_400_000;

const simulate = (job: DurableExecutionHandler<never, unknown>, options?: DurableOptions) =>
  simulatedDurable({ job }, options);

const once = { retryStrategy: () => ({ shouldRetry: false }) };

describe('an execution', () => {
  it('runs its steps once each, over a wait of an hour', async () => {
    const ran: string[] = [];
    const durable = simulate(async ({ word }: { word: string }, context) => {
      const first = await context.step('first', async () => `${ran.push('first')} ${word}`);
      await context.wait('an hour', { hours: 1 });
      const second = await context.step('second', async () => ran.push('second'));
      return { first, second };
    });
    const startedAt = durable.now();
    const outcome = await durable.finish(durable.start('job', { word: 'hello' }));
    expect(outcome).toMatchObject({ status: 'SUCCEEDED', result: { first: '1 hello', second: 2 }, invocations: 2 });
    expect(outcome).toMatchObject({ operations: 3, meteredOperations: 4 });
    expect(ran).toEqual(['first', 'second']);
    expect(durable.now() - startedAt).toBe(3_600_000);
  });

  it('retries a step after the delay that its strategy names, and counts each retry', async () => {
    const at: number[] = [];
    const durable = simulate(async (_event: unknown, context) =>
      context.step(
        'flaky',
        async () => {
          at.push(durable.now());
          if (at.length < 3) throw new Error('not yet');
          return 'done';
        },
        { retryStrategy: (_error, attempt) => ({ shouldRetry: true, delay: { seconds: attempt * 10 } }) },
      ),
    );
    const outcome = await durable.finish(durable.start('job', {}));
    expect(outcome).toMatchObject({ result: 'done', operations: 1, meteredOperations: 4, invocations: 3 });
    expect(at.map((ms) => ms - (at[0] ?? 0))).toEqual([0, 10_000, 30_000]);
  });

  it('goes on after its process was killed at every checkpoint, and does no step twice', async () => {
    const ran: number[] = [];
    const durable = simulate(
      async (_event: unknown, context) => {
        for (let n = 0; n < 5; n += 1) await context.step(`step ${n}`, async () => ran.push(n), once);
        return ran.length;
      },
      // Not after the checkpoint of a step's start, since AWS then runs the step again.
      { killAfter: ({ updates }) => updates.some(({ Action }) => Action === 'SUCCEED') },
    );
    const outcome = await durable.finish(durable.start('job', {}));
    expect(outcome).toMatchObject({ status: 'SUCCEEDED', invocations: 6, operations: 5 });
    expect(ran).toEqual([0, 1, 2, 3, 4]);
    // The execution, five steps, and each invocation that failed.
    expect(outcome.meteredOperations).toBe(11);
  });

  it('reports an interrupted step that may run at most once', async () => {
    let kills = 0;
    const durable = simulate(
      async (_event: unknown, context) =>
        context
          .step('once', async () => 'ran', { semantics: StepSemantics.AtMostOncePerRetry, ...once })
          .catch((error: unknown) => String((error as Error & { cause?: Error }).cause?.name ?? error)),
      { killAfter: ({ updates }) => updates.some(({ Action }) => Action === 'START') && (kills += 1) === 1 },
    );
    expect(await durable.finish(durable.start('job', {}))).toMatchObject({ result: 'StepInterruptedError' });
  });

  it('ends when it takes longer than its time', async () => {
    const durable = simulate(async (_event: unknown, context) => context.wait('long', { days: 3 }), {
      executionTimeoutSeconds: 86_400,
    });
    const arn = durable.start('job', {});
    const startedAt = durable.now();
    expect(await durable.finish(arn)).toMatchObject({ status: 'TIMED_OUT', invocations: 1 });
    expect(durable.now() - startedAt).toBe(day);
  });
});

it.each([
  ['SUCCEED', { Payload: '"all"' }, { status: 'SUCCEEDED', result: 'all' }],
  ['FAIL', { Error: { ErrorMessage: 'too far' } }, { status: 'FAILED', error: { ErrorMessage: 'too far' } }],
] as const)('a checkpoint whose last update is EXECUTION %s ends the execution so', async (Action, more, ended) => {
  const durable = simulate(async (_event: unknown, context) => context.wait('a day', { days: 1 }));
  const arn = durable.start('job', {});
  const { token = '' } = durable.engine.find(arn);
  const updates = [{ Id: 'end', Type: 'EXECUTION', Action, ...more }] as const;
  const { CheckpointToken } = durable.engine.checkpoint({ arn, token, updates });
  expect(CheckpointToken).toBeUndefined();
  expect(await durable.finish(arn)).toMatchObject(ended);
});

describe('call-backs', () => {
  const waiting = () =>
    simulate(async (_event: unknown, context) => {
      const [token, id] = await context.createCallback('token', { timeout: { days: 1 } });
      await context.step('ask', async () => void ids.push(id));
      return token.catch((error: unknown) => (error as Error).name);
    });
  let ids: string[];
  beforeEach(() => (ids = []));
  const paused = async () => {
    const durable = waiting();
    const arn = durable.start('job', {});
    await durable.untilPaused();
    return { durable, arn, id: ids[0] ?? '' };
  };

  it('time out', async () => {
    const { durable, arn, id } = await paused();
    const startedAt = durable.now();
    expect(await durable.finish(arn)).toMatchObject({ result: 'CallbackTimeoutError' });
    expect(durable.now() - startedAt).toBe(day);
    expect(() => durable.engine.succeedCallback(id, undefined)).toThrow(
      expect.objectContaining({ name: 'CallbackTimeoutException', status: 400 }),
    );
  });

  it('call-backs time out a minute after the last heartbeat, if they are to have one each minute', async () => {
    const durable = simulate(async (_event: unknown, context) => {
      const options = { timeout: { days: 1 }, heartbeatTimeout: { minutes: 1 } };
      const [token, id] = await context.createCallback('token', options);
      await context.step('ask', async () => void ids.push(id));
      return token.catch((error: unknown) => (error as Error).name);
    });
    const arn = durable.start('job', {});
    await durable.untilPaused();
    const startedAt = durable.now();
    await durable.pass(59_000);
    durable.engine.heartbeat(ids[0] ?? '');
    expect(await durable.finish(arn)).toMatchObject({ result: 'CallbackTimeoutError' });
    expect(durable.now() - startedAt).toBe(119_000);
  });

  it('call-backs take a result of 256 KB, and refuse one byte more', async () => {
    const { durable, arn, id } = await paused();
    expect(() => durable.engine.succeedCallback(id, 'x'.repeat(262_145))).toThrow(
      expect.objectContaining({ name: 'RequestTooLargeException', status: 413 }),
    );
    durable.engine.succeedCallback(id, 'x'.repeat(262_144));
    expect(await durable.finish(arn)).toMatchObject({ result: 'x'.repeat(262_144) });
  });

  it('that came while the function still ran are not lost', async () => {
    const durable = simulate(async (_event: unknown, context) => {
      const [token, id] = await context.createCallback('token');
      await context.step('give at once', async () => durable.engine.succeedCallback(id, 'early'));
      return token;
    });
    expect(await durable.finish(durable.start('job', {}))).toMatchObject({ result: 'early' });
  });
});

describe('a name', () => {
  const sleeper = () => simulate(async (_event: unknown, context) => context.wait('a minute', { minutes: 1 }));

  it('cannot be used for another payload, nor after the end', async () => {
    const durable = sleeper();
    const arn = durable.start('job', { n: 1 }, 'a');
    const again = (): string => durable.start('job', { n: 2 }, 'a');
    const refusal = expect.objectContaining({ name: 'DurableExecutionAlreadyStartedException', status: 409 });
    expect(again).toThrow(refusal);
    await durable.finish(arn);
    expect(again).toThrow(refusal);
  });

  it('is free again when the history is gone', async () => {
    const durable = sleeper();
    const arn = durable.start('job', { n: 1 }, 'a');
    await durable.finish(arn);
    await durable.pass(14 * day);
    expect(durable.start('job', { n: 2 }, 'a')).not.toBe(arn);
    expect(() => durable.engine.find(arn)).toThrow(expect.objectContaining({ name: 'ResourceNotFoundException' }));
  });

  it.each(['', 'x'.repeat(65), 'a b', 'a/b'])('%j is refused', (name) => {
    expect(() => sleeper().start('job', {}, name)).toThrow(
      expect.objectContaining({ name: 'ValidationException', status: 400 }),
    );
  });
});

describe('stopping', () => {
  it('ends an execution that waits, and it is not invoked again', async () => {
    const durable = simulate(async (_event: unknown, context) => context.wait('a day', { days: 1 }));
    const arn = durable.start('job', {});
    await durable.untilPaused();
    expect(durable.engine.stop(arn)).toBe(durable.now());
    await durable.pass(2 * day);
    expect(durable.summary(arn)).toMatchObject({ status: 'STOPPED', invocations: 1 });
  });

  it('lets a running invocation go on to its next checkpoint, which is refused', async () => {
    const ran: string[] = [];
    const durable = simulate(async (_event: unknown, context) => {
      await context.step('running', async () => {
        durable.engine.stop(arn);
        ran.push('running');
      });
      ran.push('next');
    });
    const arn: string = durable.start('job', {});
    await durable.untilPaused();
    expect(ran).toEqual(['running']);
    expect(durable.summary(arn)).toMatchObject({ status: 'STOPPED', invocations: 1 });
  });

  it('twice is no error', async () => {
    const durable = simulate(async (_event: unknown, context) => context.wait('a day', { days: 1 }));
    const arn = durable.start('job', {});
    const stoppedAt = durable.engine.stop(arn);
    await durable.pass(1000);
    expect(durable.engine.stop(arn)).toBe(stoppedAt);
  });
});

describe('what AWS refuses', () => {
  it('is a payload of more than 256 KB, which fails the execution', async () => {
    const durable = simulate(async (_event: unknown, context) =>
      context.step('large', async () => 'x'.repeat(262_143), once),
    );
    const outcome = await durable.finish(durable.start('job', {}));
    expect(outcome).toMatchObject({ status: 'FAILED', invocations: 1 });
    expect(outcome.error?.ErrorMessage).toContain('payload size must be less than or equal to 262144 bytes');
  });

  it('is not a payload of just 256 KB', async () => {
    const durable = simulate(
      async (_event: unknown, context) => (await context.step('large', async () => 'x'.repeat(262_142), once)).length,
    );
    expect(await durable.finish(durable.start('job', {}))).toMatchObject({ result: 262_142, persistedBytes: 262_146 });
  });

  it('is an operation after 3,000', async () => {
    const durable = simulate(async ({ steps }: { steps: number }, context) => {
      for (let n = 0; n < steps; n += 1) await context.step(`s${n}`, async () => n, once);
      return steps;
    });
    expect(await durable.finish(durable.start('job', { steps: 3000 }))).toMatchObject({ result: 3000 });
    const outcome = await durable.finish(durable.start('job', { steps: 3001 }));
    expect(outcome).toMatchObject({ status: 'FAILED', operations: 3000 });
  });
});

describe('payloads at rest', () => {
  it('hold no text of inputs, results and errors', async () => {
    const durable = simulate(async (_event: unknown, context) => {
      await context.step('named', async () => 'secret result', once);
      await context.step('failing', async () => Promise.reject(new Error('secret error')), once).catch(() => {});
      return 'secret end';
    });
    await durable.finish(durable.start('job', { secret: 'input' }));
    const dump = durable.engine.dump();
    expect(dump).toContain('named');
    expect(dump).not.toContain('secret');
  });

  it('cannot be read once the key is disabled, and the execution fails', async () => {
    let keyDisabled = false;
    const durable = simulate(async (_event: unknown, context) => context.wait('a day', { days: 1 }), {
      keyDisabled: () => keyDisabled,
    });
    const arn = durable.start('job', {});
    await durable.untilPaused();
    keyDisabled = true;
    await durable.until(() => durable.summary(arn).status !== 'RUNNING');
    expect(durable.summary(arn)).toMatchObject({ status: 'FAILED', invocations: 2 });
  });
});
