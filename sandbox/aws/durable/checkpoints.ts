import { randomUUID } from 'node:crypto';
import type { OperationUpdate, WireOperation } from '@aws/durable-execution-sdk-js';
import { callbackIdOf } from './callback-id.ts';
import type { Callbacks } from './callbacks.ts';
import { checkUpdates } from './check-updates.ts';
import type { Core } from './core.ts';
import { invalid, invalidToken, type LambdaError } from './errors.ts';
import { cancelTimer, end, isEnded, type CheckpointAnswer, type Execution } from './execution.ts';
import { limits } from './limits.ts';
import { isVisible, payloadBytes, shown, updated, type StoredOperation } from './operations.ts';
import { summaryOf, type ExecutionSummary } from './summary.ts';

export interface CheckpointAbout {
  readonly execution: ExecutionSummary;
  readonly updates: readonly OperationUpdate[];
}

/** What tests may do around checkpoints. */
export interface CheckpointHooks {
  /** Called before a checkpoint is applied. If it returns an error, that is the answer. */
  before?: (about: CheckpointAbout) => LambdaError | undefined;
  /** Called after a checkpoint was applied, before the function gets the answer. */
  after?: (about: CheckpointAbout) => void;
}

export interface CheckpointRequest {
  readonly arn: string;
  readonly token: string;
  readonly updates: readonly OperationUpdate[];
  readonly clientToken?: string | undefined;
}

/** @throws LambdaError if this is not the token that the execution's next call must have */
export const requireToken = (execution: Execution, token: string): void => {
  if (isEnded(execution) || token === '' || token !== execution.token) throw invalidToken();
};

/** Counts what a checkpoint adds. @throws LambdaError if the execution would grow too large */
const grow = (execution: Execution, updates: readonly OperationUpdate[]): void => {
  const created = new Set(updates.map(({ Id = '' }) => Id).filter((id) => !execution.operations.has(id))).size;
  const retries = updates.filter(({ Action }) => Action === 'RETRY').length;
  const metered = execution.metered + created + retries;
  // AWS bills the execution itself as an operation, but the limit does not count it.
  if (metered - 1 > limits.operations) {
    throw invalid(`The execution exceeds the limit of ${limits.operations} operations.`);
  }
  const bytes = updates.reduce((sum, update) => sum + payloadBytes(update), execution.persistedBytes);
  if (bytes > limits.persistedBytes) throw invalid(`The execution exceeds ${limits.persistedBytes} bytes of data.`);
  execution.metered = metered;
  execution.persistedBytes = bytes;
};

interface CheckpointOptions {
  readonly core: Core;
  readonly callbacks: Callbacks;
  readonly hooks: CheckpointHooks;
}

/** Creates the function that saves checkpoints. It throws a LambdaError where Lambda would refuse one. */
export const checkpointer = ({ core, callbacks, hooks }: CheckpointOptions) => {
  const { now, setTimer, change } = core;

  /** Sets the timer that an update asks for, or cancels one that is no longer needed. */
  const setTimers = (execution: Execution, operation: StoredOperation, update: OperationUpdate): void => {
    const { id, type, status } = operation;
    if (type === 'CALLBACK') {
      if (status === 'STARTED') callbacks.begin(execution, operation, update.CallbackOptions);
      else callbacks.endTimers(execution, id);
      return;
    }
    cancelTimer(execution, id);
    if (type === 'WAIT' && status === 'STARTED') {
      setTimer(execution, id, (update.WaitOptions?.WaitSeconds ?? 0) * 1000, () =>
        change(execution, { ...operation, status: 'SUCCEEDED', endedAt: now() }),
      );
    }
    if (type === 'STEP' && status === 'PENDING') {
      setTimer(execution, id, (update.StepOptions?.NextAttemptDelaySeconds ?? 0) * 1000, () =>
        change(execution, { ...operation, status: 'READY', nextAttemptAt: undefined }),
      );
    }
  };

  /** Applies all of the updates, or none. */
  const apply = (execution: Execution, updates: readonly OperationUpdate[]): void => {
    checkUpdates(updates, execution.operations);
    const changed = new Map<string, StoredOperation>();
    for (const update of updates) {
      const id = update.Id ?? '';
      const current = changed.get(id) ?? execution.operations.get(id);
      const callbackId = callbackIdOf(execution.arn, id);
      changed.set(id, updated(current, update, { now: now(), vault: execution.vault, callbackId }));
    }
    // The updates count only now, since none of them can fail anymore.
    grow(execution, updates);
    for (const update of updates) {
      const operation = changed.get(update.Id ?? '');
      if (operation === undefined || update.Type === 'EXECUTION') continue;
      execution.operations.set(operation.id, operation);
      setTimers(execution, operation, update);
    }
  };

  /** The operations that these updates changed, and those that changed from outside since the last checkpoint. */
  const changesOf = (execution: Execution, updates: readonly OperationUpdate[]): WireOperation[] => {
    const ids = new Set([...updates.map(({ Id = '' }) => Id), ...execution.news]);
    execution.told.clear();
    for (const id of execution.news) execution.told.add(id);
    execution.news.clear();
    return [...ids]
      .flatMap((id) => execution.operations.get(id) ?? [])
      .filter((operation) => isVisible(execution.operations, operation))
      .map((operation) => shown(operation, execution.vault));
  };

  return ({ arn, token, updates, clientToken }: CheckpointRequest): CheckpointAnswer => {
    const execution = core.find(arn);
    const { lastCheckpoint: last } = execution;
    // The SDK's client repeats a request if the answer was lost.
    if (last !== undefined && last.clientToken === clientToken && last.token === token) return last.answer;
    requireToken(execution, token);
    const refusal = hooks.before?.({ execution: summaryOf(execution), updates });
    if (refusal !== undefined) throw refusal;
    apply(execution, updates);
    execution.checkpoints += 1;
    // A function that makes progress is retried quickly when it fails.
    execution.failures = 0;
    const ending = updates.at(-1);
    const isEnd = ending?.Type === 'EXECUTION';
    const next = isEnd ? {} : { CheckpointToken: randomUUID() };
    execution.token = next.CheckpointToken;
    const answer: CheckpointAnswer = { ...next, NewExecutionState: { Operations: changesOf(execution, updates) } };
    if (clientToken !== undefined) execution.lastCheckpoint = { clientToken, token, answer };
    if (isEnd) {
      const { Action, Payload: result, Error: error } = ending;
      end(execution, now(), { status: Action === 'FAIL' ? 'FAILED' : 'SUCCEEDED', result, error });
    }
    hooks.after?.({ execution: summaryOf(execution), updates });
    return answer;
  };
};
