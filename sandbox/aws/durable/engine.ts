import type { ErrorObject } from '@aws/durable-execution-sdk-js';
import { callbacksOf } from './callbacks.ts';
import { checkpointer, requireToken, type CheckpointHooks } from './checkpoints.ts';
import { coreOf } from './core.ts';
import { cancelTimers, end, isEnded, type DurableFunction, type Execution } from './execution.ts';
import { runInvocations, type Invoke } from './invocations.ts';
import { checkStart, newExecution, requireSame, type StartRequest } from './new-execution.ts';
import { visible, type Vault } from './operations.ts';
import { page, type StatePage } from './page.ts';
import { summaryOf, type ExecutionSummary } from './summary.ts';

export interface DurableEngineOptions {
  /**
   * Runs a function once.
   * @throws Error if the process dies or the handler throws; one named `ThrottledError` if no process is free
   */
  readonly invoke: Invoke;
  /** Milliseconds. */
  readonly now: () => number;
  /** Calls back after this many milliseconds, unless the function that it returns is called first. */
  readonly after: (ms: number, callBack: () => void) => () => void;
  /** Encrypts payloads at rest under this key. */
  readonly vaultOf: (keyArn: string | undefined) => Vault;
  readonly hooks?: CheckpointHooks | undefined;
  /** The pause before a failed invocation is first retried. It doubles each time, up to a minute. */
  readonly firstRetryMs?: number | undefined;
}

/** Lambda's side of durable executions, without HTTP and without processes. All errors are `LambdaError`. */
export interface DurableEngine {
  /** Starts an execution, or finds the one with the same name and payload. @returns its ARN */
  readonly start: (fn: DurableFunction, request: StartRequest) => string;
  readonly checkpoint: ReturnType<typeof checkpointer>;
  readonly state: (arn: string, token: string, from?: Parameters<typeof page>[2]) => StatePage;
  readonly succeedCallback: (callbackId: string, result: string | undefined) => void;
  readonly failCallback: (callbackId: string, error: ErrorObject) => void;
  readonly heartbeat: (callbackId: string) => void;
  /** Stops an execution. A running invocation goes on to its next checkpoint, which is refused. @returns when, in ms */
  readonly stop: (arn: string, error?: ErrorObject) => number;
  /** Executions whose history is still kept, oldest first. */
  readonly all: () => readonly Execution[];
  readonly find: (arn: string) => Execution;
  /** Resolves when the execution is over. */
  readonly over: (arn: string) => Promise<void>;
  readonly executions: () => readonly ExecutionSummary[];
  /** Everything that is stored, as JSON. */
  readonly dump: () => string;
  /** Cancels all timers, and starts no more invocations. */
  readonly close: () => void;
}

const timedOut: ErrorObject = { ErrorType: 'ExecutionTimedOut', ErrorMessage: 'The execution took too long.' };
const stopped: ErrorObject = { ErrorMessage: 'The execution was stopped.' };

const stored = ({ arn, status, startedAt, endedAt, inputDigest, result, error, operations }: Execution): object => ({
  arn,
  status,
  startedAt,
  endedAt,
  inputDigest,
  result,
  error,
  operations: [...operations.values()],
});

export const createDurableEngine = (options: DurableEngineOptions): DurableEngine => {
  const { now, hooks = {} } = options;
  let isClosed = false;
  const core = coreOf({ ...options, wake: (execution) => void run(execution) });
  const { all, find } = core;
  const run = runInvocations({ ...options, setTimer: core.setTimer, isClosed: () => isClosed });
  const callbacks = callbacksOf(core);

  return {
    start: (fn, request) => {
      checkStart(request);
      const existing = all().find(({ name }) => name === request.name);
      if (existing !== undefined) {
        requireSame(existing, fn, request);
        return existing.arn;
      }
      const execution = newExecution(fn, request, { now: now(), vault: options.vaultOf(fn.keyArn) });
      core.add(execution);
      core.setTimer(execution, 'execution', fn.executionTimeoutSeconds * 1000, () =>
        end(execution, now(), { status: 'TIMED_OUT', error: timedOut }),
      );
      void run(execution);
      return execution.arn;
    },
    checkpoint: checkpointer({ core, callbacks, hooks }),
    state: (arn, token, from) => {
      const execution = find(arn);
      requireToken(execution, token);
      return page(visible(execution.operations), execution.vault, from);
    },
    succeedCallback: (callbackId, result) => callbacks.complete(callbackId, { status: 'SUCCEEDED', result }),
    failCallback: (callbackId, error) => callbacks.complete(callbackId, { status: 'FAILED', error }),
    heartbeat: callbacks.heartbeat,
    stop: (arn, error = stopped) => {
      const execution = find(arn);
      if (!isEnded(execution)) end(execution, now(), { status: 'STOPPED', error });
      return execution.endedAt ?? now();
    },
    all,
    find,
    over: (arn) => {
      const execution = find(arn);
      return new Promise((resolve) => {
        if (isEnded(execution)) resolve();
        else execution.whenOver.push(resolve);
      });
    },
    executions: () => all().map(summaryOf),
    dump: () => JSON.stringify(all().map(stored)),
    close: () => {
      isClosed = true;
      for (const execution of all()) cancelTimers(execution);
    },
  };
};
