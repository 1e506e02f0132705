import { randomUUID } from 'node:crypto';
import type { ErrorObject, WireOperation } from '@aws/durable-execution-sdk-js';
import { LambdaError } from './errors.ts';
import { end, isEnded, type DurableFunction, type Execution } from './execution.ts';
import { limits } from './limits.ts';
import { isAwaited, visible } from './operations.ts';
import { page } from './page.ts';

/** The event of a durable function. */
export interface InvocationInput {
  readonly DurableExecutionArn: string;
  readonly CheckpointToken: string;
  readonly InitialExecutionState: {
    readonly Operations: readonly WireOperation[];
    readonly NextMarker?: string | undefined;
  };
  /** The operations that changed since the last invocation. */
  readonly UpdatedOperationIds?: readonly string[];
}

/** Runs a function once, and returns what its handler returned. */
export type Invoke = (fn: DurableFunction, event: InvocationInput) => Promise<unknown>;

interface RunOptions {
  readonly invoke: Invoke;
  readonly now: () => number;
  readonly setTimer: (execution: Execution, name: string, ms: number, callBack: () => void) => void;
  readonly isClosed: () => boolean;
  readonly firstRetryMs?: number | undefined;
}

type Output =
  | { readonly Status: 'PENDING' }
  | { readonly Status: 'SUCCEEDED'; readonly Result?: string }
  | { readonly Status: 'FAILED'; readonly Error?: ErrorObject };

const longestRetryMs = 60_000;

/** Checks the value that a handler returned. @throws Error if Lambda would not accept it */
const outputOf = (returned: unknown): Output => {
  const output = returned as Output | null | undefined;
  if (output?.Status === 'PENDING' || output?.Status === 'FAILED') return output;
  if (output?.Status !== 'SUCCEEDED') throw new Error('The function returned no status of a durable execution');
  if (Buffer.byteLength(output.Result ?? '') > limits.inputBytes) throw new Error('The result is too large');
  return output;
};

const canPause = ({ operations, news }: Execution): boolean => news.size > 0 || visible(operations).some(isAwaited);

/** Whether something changed that the function had not seen when it paused. */
const hasNews = ({ operations, news, told }: Execution): boolean =>
  news.size > 0 || told.size > 0 || visible(operations).some(({ status }) => status === 'READY');

/** Creates a function that invokes an execution's function, one at a time, until the execution pauses or ends. */
export const runInvocations = ({ invoke, now, setTimer, isClosed, firstRetryMs = 1000 }: RunOptions) => {
  const inputOf = (execution: Execution, token: string): InvocationInput => {
    const event = {
      DurableExecutionArn: execution.arn,
      CheckpointToken: token,
      InitialExecutionState: page(visible(execution.operations), execution.vault),
      ...(execution.invocations > 1 ? { UpdatedOperationIds: [...execution.news] } : {}),
    };
    execution.news.clear();
    execution.told.clear();
    return event;
  };

  const later = (execution: Execution, failures: number): void =>
    setTimer(
      execution,
      'retry',
      Math.min(firstRetryMs * 2 ** (failures - 1), longestRetryMs),
      () => void run(execution),
    );

  /** @returns whether to invoke again at once */
  const conclude = (execution: Execution, output: Output): boolean => {
    if (isEnded(execution)) return false;
    if (output.Status === 'SUCCEEDED') end(execution, now(), { status: 'SUCCEEDED', result: output.Result });
    if (output.Status === 'FAILED') end(execution, now(), { status: 'FAILED', error: output.Error ?? {} });
    if (output.Status !== 'PENDING') return false;
    if (!canPause(execution)) throw new Error('The function paused, and waits for nothing');
    execution.failures = 0;
    return hasNews(execution);
  };

  const fail = (execution: Execution, error: unknown): void => {
    if (isEnded(execution) || isClosed()) return;
    if (error instanceof LambdaError && error.name.startsWith('KMS')) {
      const { name: ErrorType, message: ErrorMessage } = error;
      end(execution, now(), { status: 'FAILED', error: { ErrorType, ErrorMessage } });
      return;
    }
    execution.failures += 1;
    // A throttled call does not reach the function, and costs nothing.
    if (!(error instanceof Error && error.name === 'ThrottledError')) execution.metered += 1;
    later(execution, execution.failures);
  };

  const once = async (execution: Execution): Promise<boolean> => {
    const token = randomUUID();
    execution.invocations += 1;
    execution.token = token;
    try {
      return conclude(execution, outputOf(await invoke(execution.fn, inputOf(execution, token))));
    } catch (error) {
      fail(execution, error);
      return false;
    }
  };

  const run = async (execution: Execution): Promise<void> => {
    // If a retry is scheduled, it will see the changes.
    if (execution.isRunning || execution.timers.has('retry') || isEnded(execution) || isClosed()) return;
    execution.isRunning = true;
    try {
      while (await once(execution));
    } finally {
      execution.isRunning = false;
    }
    // Something may have changed since the loop last checked.
    if (execution.news.size > 0) void run(execution);
  };
  return run;
};
