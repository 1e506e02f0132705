import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  withDurableExecution,
  type DurableExecutionClient,
  type DurableExecutionHandler,
  type DurableExecutionInvocationInput,
  type DurableLambdaHandler,
} from '@aws/durable-execution-sdk-js';
import type { Context } from 'aws-lambda';
import type { CheckpointHooks } from '../../sandbox/aws/durable/checkpoints.ts';
import { createDurableEngine } from '../../sandbox/aws/durable/engine.ts';
import { LambdaError } from '../../sandbox/aws/durable/errors.ts';
import type { DurableFunction } from '../../sandbox/aws/durable/execution.ts';
import type { InvocationInput } from '../../sandbox/aws/durable/invocations.ts';
import type { ExecutionSummary } from '../../sandbox/aws/durable/summary.ts';
import { vaultOf } from '../../sandbox/aws/durable/vault.ts';

/*
 * Runs a durable handler with the unmodified SDK against the local engine, in this process and in simulated time: the
 * clock jumps to the next timer as soon as all running invocations sleep, or none runs.
 */

/** How long the SDK waits in real time before it pauses, in case other work begins. */
const sdkCooldownMs = 20;
/** In simulated time no work begins later by itself, so these turns of the event loop do. */
const cooldownTurns = 5;

const { setTimeout: realTimeout, clearTimeout: clearRealTimeout } = globalThis;
const cleared = new WeakSet<object>();

const coolDown = (callBack: () => void): object => {
  const timer = {};
  const turn = (left: number): void => {
    setImmediate(() => {
      if (cleared.has(timer)) return;
      if (left === 0) callBack();
      else turn(left - 1);
    });
  };
  turn(cooldownTurns);
  return timer;
};

/** A killed invocation does not clear its timers. They would keep its world in memory for minutes and keep the process from ending. */
const running = new Set<object>();
if (typeof afterAll === 'function') {
  afterAll(() => {
    for (const timer of running) clearRealTimeout(timer as NodeJS.Timeout);
    running.clear();
  });
}

const realTimer = (callBack: () => void, ms?: number): object => {
  const timer = realTimeout(() => {
    running.delete(timer);
    callBack();
  }, ms);
  running.add(timer);
  return timer;
};
globalThis.setTimeout = Object.assign(
  (callBack: () => void, ms?: number) => (ms === sdkCooldownMs ? coolDown(callBack) : realTimer(callBack, ms)),
  realTimeout,
) as typeof setTimeout;
globalThis.clearTimeout = (timer) => {
  if (timer && typeof timer === 'object') {
    cleared.add(timer);
    running.delete(timer);
  }
  clearRealTimeout(timer);
};

/** One invocation's process. */
interface Process {
  isDead: boolean;
  /** How many of its calls sleep in simulated time. */
  sleeping: number;
}

const processes = new AsyncLocalStorage<Process>();

/**
 * A call that leaves the process, as the code of an invocation may make it. The code of a killed invocation goes on in this process until
 * its next such call, which is not made. A call that was made before gets no answer.
 */
export const outsideCall =
  <Args extends readonly unknown[], T>(call: (...args: Args) => Promise<T>) =>
  async (...args: Args): Promise<T> => {
    const caller = processes.getStore();
    const untilDead = (): Promise<never> | undefined => (caller?.isDead ? new Promise(() => {}) : undefined);
    await untilDead();
    try {
      return await call(...args);
    } finally {
      await untilDead();
    }
  };

export interface DurableOutcome extends ExecutionSummary {
  /** What the handler returned, parsed. */
  readonly result: unknown;
}

export interface DurableOptions {
  /** When the clock starts, in epoch milliseconds. */
  readonly startMs?: number;
  readonly hooks?: CheckpointHooks;
  /**
   * Called after each checkpoint. If it returns true, the invocation counts as killed, and never gets the answer to the
   * checkpoint. Its code still runs, until it next calls the engine or makes an `outsideCall`.
   */
  readonly killAfter?: (about: Parameters<NonNullable<CheckpointHooks['after']>>[0]) => boolean;
  readonly executionTimeoutSeconds?: number;
  /** The timeout of one invocation, in milliseconds. */
  readonly timeoutMs?: number;
  readonly keyDisabled?: () => boolean;
  /** What the functions do around the SDK. */
  readonly wrap?: (handler: DurableLambdaHandler) => DurableLambdaHandler;
}

const fnOf = (name: string, executionTimeoutSeconds = 30 * 86_400): DurableFunction => ({
  arn: `arn:aws:lambda:us-east-1:000000000000:function:${name}:1`,
  name,
  version: '1',
  executionTimeoutSeconds,
  retentionDays: 14,
});

/** Turns a LambdaError into the error that the AWS SDK's client throws. */
const asClientError = (error: unknown): unknown =>
  error instanceof LambdaError
    ? Object.assign(new Error(error.message), { name: error.name, $metadata: { httpStatusCode: error.status } })
    : error;

/** The handlers may be any that `withDurableExecution` takes. They run by the name given here. */
export const simulatedDurable = (
  handlers: Readonly<Record<string, DurableExecutionHandler<never, unknown>>>,
  options: DurableOptions = {},
) => {
  let nowMs = options.startMs ?? Date.parse('2026-11-27T00:00:00Z');
  const timers = new Map<symbol, { readonly atMs: number; readonly callBack: () => void }>();
  const busy = { running: 0, sleeping: 0 };
  const key = randomBytes(32);

  const after = (ms: number, callBack: () => void): (() => void) => {
    const id = Symbol('timer');
    timers.set(id, { atMs: nowMs + ms, callBack });
    return () => timers.delete(id);
  };

  /** Moves the clock to the next timer and runs it. Returns false if there is none. */
  const jump = (): boolean => {
    const [next] = [...timers].sort(([, a], [, b]) => a.atMs - b.atMs);
    if (next === undefined) return false;
    timers.delete(next[0]);
    nowMs = Math.max(nowMs, next[1].atMs);
    next[1].callBack();
    return true;
  };

  let kill: () => void = () => {};
  const { killAfter } = options;
  const hooks: CheckpointHooks = {
    ...options.hooks,
    ...(killAfter && {
      after: (about) => {
        options.hooks?.after?.(about);
        if (killAfter(about)) kill();
      },
    }),
  };

  const invoke = async (fn: DurableFunction, input: InvocationInput): Promise<unknown> => {
    const handler = handlers[fn.name];
    if (handler === undefined) throw new Error(`There is no handler ${fn.name}`);
    const own: Process = { isDead: false, sleeping: 0 };
    const call = async <T>(run: () => T): Promise<T> => {
      if (own.isDead) return new Promise<never>(() => {});
      const before = kill;
      let died = false;
      kill = () => (died = true);
      try {
        return run();
      } catch (error) {
        throw asClientError(error);
      } finally {
        kill = before;
        if (died) die(new Error('The process was killed'));
      }
    };
    const client: DurableExecutionClient = {
      checkpoint: ({ DurableExecutionArn: arn = '', CheckpointToken: token = '', Updates: updates = [] }) =>
        call(() => engine.checkpoint({ arn, token, updates })).then(answerOrSilence),
      getExecutionState: ({ DurableExecutionArn: arn = '', CheckpointToken: token = '', Marker, MaxItems }) =>
        call(() => engine.state(arn, token, { marker: Marker, maxItems: MaxItems })).then(answerOrSilence),
    } as DurableExecutionClient;
    let die: (error: Error) => void = () => {};
    const death = new Promise<never>((_resolve, reject) => {
      die = (error) => {
        own.isDead = true;
        reject(error);
      };
    });
    const answerOrSilence = <T>(answer: T): T | Promise<never> => (own.isDead ? new Promise<never>(() => {}) : answer);
    const deadlineMs = nowMs + (options.timeoutMs ?? 900_000);
    const context = {
      awsRequestId: randomUUID(),
      invokedFunctionArn: fn.arn,
      functionVersion: fn.version,
      getRemainingTimeInMillis: () => Math.max(0, deadlineMs - nowMs),
    } as Context;
    busy.running += 1;
    try {
      // Lambda passes events as JSON.
      const event = JSON.parse(JSON.stringify(input)) as DurableExecutionInvocationInput;
      const { wrap = (plain) => plain } = options;
      const wrapped = wrap(withDurableExecution(handler, { durableExecutionClient: client }));
      const answer = await Promise.race([processes.run(own, () => wrapped(event, context)), death]);
      return JSON.parse(JSON.stringify(answer)) as unknown;
    } finally {
      busy.running -= 1;
      busy.sleeping -= own.sleeping;
    }
  };

  const vault = vaultOf(key);
  const engine = createDurableEngine({
    invoke,
    now: () => nowMs,
    after,
    hooks,
    vaultOf: () => ({
      seal: (text) => {
        if (options.keyDisabled?.() === true) throw new LambdaError('KMSDisabledException', 502, 'The key is disabled');
        return vault.seal(text);
      },
      open: (sealed) => {
        if (options.keyDisabled?.() === true) throw new LambdaError('KMSDisabledException', 502, 'The key is disabled');
        return vault.open(sealed);
      },
    }),
  });

  const until = async (isSo: () => boolean): Promise<void> => {
    for (let turns = 0; !isSo(); turns += 1) {
      // The SDK needs a few real milliseconds before it decides to pause.
      await (turns % 50 === 49 ? delay(1) : new Promise((resolve) => setImmediate(resolve)));
      if (isSo() || busy.running > busy.sleeping) continue;
      if (!jump() && busy.running === 0) throw new Error('Nothing runs, and no timer is set');
    }
  };
  const summary = (arn: string): ExecutionSummary => {
    const found = engine.executions().find((execution) => execution.arn === arn);
    if (found === undefined) throw new Error(`There is no execution ${arn}`);
    return found;
  };

  return {
    engine,
    /** Epoch milliseconds. */
    now: (): number => nowMs,
    /** For handlers: sleeps in simulated time. */
    sleep: outsideCall(async (ms: number): Promise<void> => {
      const sleeper = processes.getStore();
      const count = (by: 1 | -1): void => {
        busy.sleeping += by;
        if (sleeper !== undefined) sleeper.sleeping += by;
      };
      count(1);
      await new Promise<void>((resolve) => after(ms, resolve));
      if (sleeper?.isDead !== true) count(-1);
    }),
    start: (name: string, payload: unknown, executionName?: string): string =>
      engine.start(fnOf(name, options.executionTimeoutSeconds), {
        name: executionName,
        payload: JSON.stringify(payload),
      }),
    /** Runs until the condition is true. @throws Error if nothing more can happen */
    until,
    /** Runs until no invocation runs, without jumping further. */
    untilPaused: async (): Promise<void> => {
      for (let quiet = 0; quiet < 3; quiet += 1) {
        await new Promise((resolve) => setImmediate(resolve));
        while (busy.running > 0) {
          quiet = 0;
          await delay(1);
          if (busy.running === busy.sleeping && busy.running > 0) jump();
        }
      }
    },
    /** Lets simulated time pass, and runs the timers that are due. */
    pass: async (ms: number): Promise<void> => {
      let isOver = false;
      after(ms, () => (isOver = true));
      await until(() => isOver);
    },
    summary,
    /** Runs an execution to its end. */
    finish: async (arn: string): Promise<DurableOutcome> => {
      await until(() => engine.find(arn).status !== 'RUNNING');
      const { result, vault: opener } = engine.find(arn);
      const text = result === undefined ? undefined : opener.open(result);
      return { ...summary(arn), result: text === undefined || text === '' ? undefined : (JSON.parse(text) as unknown) };
    },
  };
};
