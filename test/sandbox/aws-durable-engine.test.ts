import { StepSemantics, type DurableExecutionHandler, type OperationUpdate } from '@aws/durable-execution-sdk-js';
import { checkUpdates } from '../../sandbox/aws/durable/check-updates.ts';
import type { Execution } from '../../sandbox/aws/durable/execution.ts';
import { visible, type StoredOperation, type Vault } from '../../sandbox/aws/durable/operations.ts';
import { page } from '../../sandbox/aws/durable/page.ts';
import { executionsShown } from '../../sandbox/aws/durable/shown-executions.ts';
import { outsideCall, simulatedDurable, type DurableOptions } from '../support/durable.ts';

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

  it('lets a killed process make no more calls, however long its code goes on', async () => {
    let kills = 0;
    let calls = 0;
    let tries = 0;
    const call = outsideCall(async () => (calls += 1));
    const tried: Promise<unknown>[] = [];
    const durable = simulate(
      async (_event: unknown, context) =>
        context.step('call', async () => {
          tries += 1;
          const reached = new Promise((resolve) => setTimeout(resolve, 5));
          tried.push(reached);
          await reached;
          return call();
        }),
      { killAfter: ({ updates }) => updates.some(({ Action }) => Action === 'START') && (kills += 1) === 1 },
    );
    expect(await durable.finish(durable.start('job', {}))).toMatchObject({ status: 'SUCCEEDED', result: 1 });
    await Promise.all(tried);
    expect({ tries, calls }).toEqual({ tries: 2, calls: 1 });
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

/* The pages of https://docs.aws.amazon.com/lambda/latest/api/API_GetDurableExecutionState.html and of the list of executions. */

const open: Vault = { seal: (text) => text, open: (text) => text };
const step = (n: number, result = ''): StoredOperation => ({
  id: `step-${n}`,
  type: 'STEP',
  status: 'SUCCEEDED',
  startedAt: 0,
  result,
});
const steps = (count: number): StoredOperation[] => Array.from({ length: count }, (_none, n) => step(n));
const invalid = expect.objectContaining({ name: 'InvalidParameterValueException', status: 400 }) as unknown as Error;

describe('a page of the state of an execution', () => {
  it.each<[what: string, operations: readonly StoredOperation[], asked: object, ends: readonly number[]]>([
    ['a thousand operations', steps(2001), {}, [1000, 2000, 2001]],
    ['just the operations that there are', steps(1000), {}, [1000]],
    ['as many operations as it is asked for', steps(5), { maxItems: 2 }, [2, 4, 5]],
    ['a thousand operations if it is asked for more', steps(1001), { maxItems: 1001 }, [1000, 1001]],
    ['payloads of 1 MB', [step(0, 'x'.repeat(524_288)), step(1, 'x'.repeat(524_288)), step(2)], {}, [3]],
    ['no byte more than 1 MB', [step(0, 'x'.repeat(524_288)), step(1, 'x'.repeat(524_289)), step(2)], {}, [1, 3]],
    ['a payload of over 1 MB by itself', [step(0), step(1, 'x'.repeat(1_048_577)), step(2)], {}, [1, 2, 3]],
  ])('a page of the state has %s', (_what, operations, asked, ends) => {
    const found: number[] = [];
    let marker: string | undefined = '';
    while (marker !== undefined) {
      const { Operations, NextMarker } = page(operations, open, { ...asked, marker });
      found.push((found.at(-1) ?? 0) + Operations.length);
      marker = NextMarker;
    }
    expect(found).toEqual(ends);
  });

  it('a page of the state is refused by a marker that Lambda never gave', () => {
    for (const marker of ['-1', '1.5', 'x', '3']) expect(() => page(steps(2), open, { marker })).toThrow(invalid);
    expect(page(steps(2), open, { marker: '2' }).Operations).toEqual([]);
  });
});

describe('the state of an execution', () => {
  const over = { status: 'SUCCEEDED' } as const;
  const replayed = { ...over, replayChildren: true };
  // ReplayChildren of https://docs.aws.amazon.com/lambda/latest/api/API_ContextOptions.html
  it.each<[outer: Partial<StoredOperation>, inner: Partial<StoredOperation>, shown: readonly string[]]>([
    [{ status: 'STARTED' }, { status: 'STARTED' }, ['outer', 'inner', 'step-0']],
    [{ status: 'STARTED' }, over, ['outer', 'inner']],
    [{ status: 'STARTED' }, replayed, ['outer', 'inner', 'step-0']],
    [over, replayed, ['outer']],
    [replayed, over, ['outer', 'inner']],
    [replayed, replayed, ['outer', 'inner', 'step-0']],
  ])('with contexts %j around %j has %j', (outer, inner, shown) => {
    const context = { type: 'CONTEXT', startedAt: 0 } as const;
    const operations: StoredOperation[] = [
      { ...context, status: 'STARTED', ...outer, id: 'outer' },
      { ...context, status: 'STARTED', ...inner, id: 'inner', parentId: 'outer' },
      { ...step(0), parentId: 'inner' },
    ];
    const found = visible(new Map(operations.map((operation) => [operation.id, operation])));
    expect(found.map(({ id }) => id)).toEqual(shown);
  });
});

describe('a page of the executions of a function', () => {
  const fn = { name: 'TheJob', arn: 'arn', version: '1' };
  const executions = Array.from(
    { length: 1001 },
    (_none, startedAt) =>
      ({ fn, name: `e${startedAt}`, arn: 'arn', startedAt, status: 'RUNNING' }) as Partial<Execution>,
  ) as readonly Execution[];
  const shown = (query: string) => executionsShown(executions, { name: 'TheJob', query: new URLSearchParams(query) });

  it.each([
    ['', 100],
    ['MaxItems=1', 1],
    ['MaxItems=1000', 1000],
    ['MaxItems=1001', 1000],
    ['Marker=1000', 1],
    ['Marker=1001', 0],
    ['StartedAfter=1970-01-01T00:00:00.999Z', 1],
    ['StartedBefore=1970-01-01T00:00:00.001Z', 1],
    ['DurableExecutionName=e7', 1],
    ['Statuses=FAILED', 0],
  ])('a page of the executions that are asked for by "%s" has %i', (query, count) => {
    expect(shown(query).DurableExecutions).toHaveLength(count);
  });

  it('a page of executions names the next one only where there is more', () => {
    expect([shown('').NextMarker, shown('Marker=1000').NextMarker]).toEqual(['100', undefined]);
    expect(shown('MaxItems=1&Marker=1000').NextMarker).toBeUndefined();
    for (const marker of ['-1', '1.5', 'x']) expect(() => shown(`Marker=${marker}`)).toThrow(invalid);
  });
});

/*
 * Which updates a checkpoint may have, by the constraints of
 * https://docs.aws.amazon.com/lambda/latest/api/API_OperationUpdate.html and the options that it names.
 */

type Kind = 'STEP' | 'CONTEXT' | 'WAIT' | 'CALLBACK' | 'EXECUTION';
type Action = 'START' | 'SUCCEED' | 'FAIL' | 'RETRY' | 'CANCEL';
type Before = StoredOperation['status'] | 'new';

const stored = (type: Kind, status: StoredOperation['status']): StoredOperation => ({
  id: 'a',
  type,
  status,
  name: 'named',
  startedAt: 0,
});
const update = (Type: Kind, Action: Action, more: object = {}): OperationUpdate => ({
  Id: 'a',
  Type,
  Action,
  ...(Type === 'WAIT' && Action === 'START' && { WaitOptions: { WaitSeconds: 1 } }),
  ...(Action === 'RETRY' && { StepOptions: { NextAttemptDelaySeconds: 1 } }),
  ...more,
});
const check = (updates: readonly OperationUpdate[], before: readonly StoredOperation[] = []): string => {
  try {
    checkUpdates(updates, new Map(before.map((operation) => [operation.id, operation])));
    return 'taken';
  } catch (error) {
    return (error as Error).name;
  }
};
const refused = 'InvalidParameterValueException';
const malformed = 'ValidationException';

/** In which states each action may come; all others refuse it. */
const allowed: Readonly<Record<Kind, Partial<Record<Action, readonly Before[]>>>> = {
  STEP: {
    START: ['new', 'READY'],
    SUCCEED: ['new', 'STARTED', 'READY'],
    FAIL: ['new', 'STARTED', 'READY'],
    RETRY: ['new', 'STARTED', 'READY'],
  },
  CONTEXT: { START: ['new'], SUCCEED: ['new', 'STARTED'], FAIL: ['new', 'STARTED'] },
  WAIT: { START: ['new'], CANCEL: ['STARTED'] },
  CALLBACK: { START: ['new'], CANCEL: ['STARTED'] },
  EXECUTION: { SUCCEED: ['new', 'STARTED'], FAIL: ['new', 'STARTED'] },
};
const kinds = ['STEP', 'CONTEXT', 'WAIT', 'CALLBACK', 'EXECUTION'] as const;
const actions = ['START', 'SUCCEED', 'FAIL', 'RETRY', 'CANCEL'] as const;
const states = ['new', 'STARTED', 'PENDING', 'READY', 'SUCCEEDED', 'FAILED', 'CANCELLED'] as const;

describe('updates of a durable execution', () => {
  it.each(kinds.flatMap((kind) => actions.map((action) => [kind, action] as const)))(
    'an operation of type %s takes %s in the states that allow it, and in no other',
    (kind, action) => {
      const taken = states.filter((state) => {
        const before = state === 'new' ? [] : [stored(kind, state)];
        return check([update(kind, action)], before) === 'taken';
      });
      expect(taken).toEqual(states.filter((state) => allowed[kind][action]?.includes(state) === true));
    },
  );

  it.each<[parameter: string, legal: readonly OperationUpdate[], illegal: readonly OperationUpdate[]]>([
    [
      'an id of 1 to 64 letters, digits, hyphens and underscores',
      ['a', 'x'.repeat(64), 'A-b_9'].map((Id) => update('STEP', 'START', { Id })),
      ['', 'x'.repeat(65), 'a b', 'a/b', 'é'].map((Id) => update('STEP', 'START', { Id })),
    ],
    [
      'a name of 1 to 256 printable characters',
      [' ', '~', 'x'.repeat(256)].map((Name) => update('STEP', 'START', { Name })),
      ['', 'x'.repeat(257), 'é', 'a\n'].map((Name) => update('STEP', 'START', { Name })),
    ],
    [
      'a subtype of 1 to 32 letters, hyphens and underscores',
      ['a', 'x'.repeat(32), 'A-b_c'].map((SubType) => update('STEP', 'START', { SubType })),
      ['', 'x'.repeat(33), 'a1', 'a b'].map((SubType) => update('STEP', 'START', { SubType })),
    ],
    [
      'a wait of 1 to 31,622,400 whole seconds',
      [1, 31_622_400].map((WaitSeconds) => update('WAIT', 'START', { WaitOptions: { WaitSeconds } })),
      [0, 31_622_401, 1.5, undefined].map((WaitSeconds) => update('WAIT', 'START', { WaitOptions: { WaitSeconds } })),
    ],
    [
      'a delay of a retry of 1 to 31,622,400 whole seconds',
      [1, 31_622_400].map((seconds) => update('STEP', 'RETRY', { StepOptions: { NextAttemptDelaySeconds: seconds } })),
      [0, 31_622_401, 1.5, undefined].map((seconds) =>
        update('STEP', 'RETRY', { StepOptions: { NextAttemptDelaySeconds: seconds } }),
      ),
    ],
    ...(['TimeoutSeconds', 'HeartbeatTimeoutSeconds'] as const).map(
      (name): [string, OperationUpdate[], OperationUpdate[]] => [
        `${name} of a callback of 0 to 31,622,400 whole seconds`,
        [0, 31_622_400, undefined].map((seconds) =>
          update('CALLBACK', 'START', { CallbackOptions: { [name]: seconds } }),
        ),
        [-1, 31_622_401, 1.5].map((seconds) => update('CALLBACK', 'START', { CallbackOptions: { [name]: seconds } })),
      ],
    ),
  ])('an operation has %s', (_what, legal, illegal) => {
    expect(legal.map((one) => check([one]))).toEqual(legal.map(() => 'taken'));
    expect(illegal.map((one) => check([one]))).toEqual(illegal.map(() => malformed));
  });

  it.each<[what: string, outcome: string, updates: readonly OperationUpdate[], stands?: readonly StoredOperation[]]>([
    ['with a payload of 256 KB is taken', 'taken', [update('STEP', 'SUCCEED', { Payload: 'é'.repeat(131_072) })]],
    [
      'with a payload of a byte more is refused',
      refused,
      [update('STEP', 'SUCCEED', { Payload: 'x'.repeat(262_145) })],
    ],
    [
      'with an error of 32 KB is taken',
      'taken',
      [update('STEP', 'FAIL', { Error: { ErrorMessage: 'x'.repeat(32_749) } })],
    ],
    [
      'with an error of a byte more is refused',
      refused,
      [update('STEP', 'FAIL', { Error: { ErrorMessage: 'x'.repeat(32_750) } })],
    ],
    ['that succeeds with an error is refused', refused, [update('STEP', 'SUCCEED', { Error: { ErrorMessage: 'x' } })]],
    ['that fails with a payload is refused', refused, [update('STEP', 'FAIL', { Payload: '1' })]],
    [
      'of a type that the local stack lacks is refused',
      refused,
      [{ Id: 'a', Type: 'CHAINED_INVOKE', Action: 'START' }],
    ],
    ['that changes its type is refused', refused, [update('STEP', 'SUCCEED')], [stored('CONTEXT', 'STARTED')]],
    [
      'that keeps its name is taken',
      'taken',
      [update('STEP', 'SUCCEED', { Name: 'named' })],
      [stored('STEP', 'STARTED')],
    ],
    [
      'that changes its name is refused',
      refused,
      [update('STEP', 'SUCCEED', { Name: 'b' })],
      [stored('STEP', 'STARTED')],
    ],
    [
      'within a context is taken',
      'taken',
      [update('CONTEXT', 'START'), update('STEP', 'START', { Id: 'b', ParentId: 'a' })],
    ],
    [
      'within a step is refused',
      refused,
      [update('STEP', 'START'), update('STEP', 'START', { Id: 'b', ParentId: 'a' })],
    ],
    ['within nothing is refused', refused, [update('STEP', 'START', { ParentId: 'none' })]],
    [
      'that changes its parent is refused',
      refused,
      [update('STEP', 'SUCCEED', { ParentId: 'c' })],
      [stored('STEP', 'STARTED'), { ...stored('CONTEXT', 'STARTED'), id: 'c' }],
    ],
    ['that starts and ends in one request is taken', 'taken', [update('STEP', 'START'), update('STEP', 'SUCCEED')]],
    ['that is a wait and does so is refused', refused, [update('WAIT', 'START'), update('WAIT', 'CANCEL')]],
    ['that starts twice in one request is refused', refused, [update('STEP', 'START'), update('STEP', 'START')]],
    ['that ends twice in one request is refused', refused, [update('STEP', 'SUCCEED'), update('STEP', 'SUCCEED')]],
    [
      'that is the execution is taken as the last update',
      'taken',
      [update('STEP', 'SUCCEED'), update('EXECUTION', 'SUCCEED', { Id: 'b' })],
    ],
    [
      'that is the execution is refused as an earlier one',
      refused,
      [update('EXECUTION', 'SUCCEED', { Id: 'b' }), update('STEP', 'SUCCEED')],
    ],
  ])('an operation %s', (_what, outcome, updates, ...stands) => {
    expect(check(updates, ...stands)).toBe(outcome);
  });
});
