import type { ErrorObject, OperationUpdate } from '@aws/durable-execution-sdk-js';
import { namedBy } from './callback-id.ts';
import type { Core } from './core.ts';
import { callbackOver, invalid, LambdaError } from './errors.ts';
import { cancelTimer, isEnded, sealedIfPossible, type Execution } from './execution.ts';
import { limits } from './limits.ts';
import { isOver, type StoredOperation } from './operations.ts';

/** How a call-back ends. */
interface Completion {
  readonly status: 'SUCCEEDED' | 'FAILED';
  readonly result?: string | undefined;
  readonly error?: ErrorObject;
}

export interface Callbacks {
  /** Sets the timers of a call-back that was just created. */
  readonly begin: (
    execution: Execution,
    operation: StoredOperation,
    options: OperationUpdate['CallbackOptions'],
  ) => void;
  readonly endTimers: (execution: Execution, id: string) => void;
  /** @throws LambdaError if there is no such call-back, if it is over, or if the result is too large */
  readonly complete: (callbackId: string, how: Completion) => void;
  /** @throws LambdaError if there is no such call-back, or if it is over */
  readonly heartbeat: (callbackId: string) => void;
}

export const callbacksOf = ({ now, find, setTimer, change }: Core): Callbacks => {
  const endTimers: Callbacks['endTimers'] = (execution, id) => {
    cancelTimer(execution, id);
    cancelTimer(execution, `${id} heartbeat`);
  };
  const timeOut = (execution: Execution, id: string, message: string): void => {
    const operation = execution.operations.get(id);
    if (operation === undefined || isOver(operation)) return;
    const error = sealedIfPossible(execution, { ErrorMessage: message });
    endTimers(execution, id);
    change(execution, { ...operation, status: 'TIMED_OUT', error, endedAt: now() });
  };
  const setHeartbeat = (execution: Execution, { id, heartbeatSeconds = 0 }: StoredOperation): void => {
    if (heartbeatSeconds === 0) return;
    setTimer(execution, `${id} heartbeat`, heartbeatSeconds * 1000, () =>
      timeOut(execution, id, 'Callback timed out on heartbeat'),
    );
  };
  const openOf = (callbackId: string): { readonly execution: Execution; readonly operation: StoredOperation } => {
    const [arn, id] = namedBy(callbackId);
    if (arn === '' || id === '') throw invalid('Invalid callback id');
    const execution = find(arn);
    const operation = execution.operations.get(id);
    if (operation?.callbackId !== callbackId) throw invalid('Invalid callback id');
    if (isEnded(execution) || isOver(operation)) throw callbackOver();
    return { execution, operation };
  };

  return {
    begin: (execution, operation, options) => {
      const { id } = operation;
      const seconds = options?.TimeoutSeconds ?? 0;
      if (seconds > 0) setTimer(execution, id, seconds * 1000, () => timeOut(execution, id, 'Callback timed out'));
      setHeartbeat(execution, operation);
    },
    endTimers,
    complete: (callbackId, { status, result, error }) => {
      const { execution, operation } = openOf(callbackId);
      const texts = [result, error && JSON.stringify(error)];
      const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0);
      if (bytes > limits.payloadBytes)
        throw new LambdaError('RequestTooLargeException', 413, 'The result is too large');
      const [sealedResult, sealedError] = texts.map((text) =>
        text === undefined ? undefined : execution.vault.seal(text),
      );
      execution.persistedBytes += bytes;
      endTimers(execution, operation.id);
      change(execution, { ...operation, status, result: sealedResult, error: sealedError, endedAt: now() });
    },
    heartbeat: (callbackId) => {
      const { execution, operation } = openOf(callbackId);
      setHeartbeat(execution, operation);
    },
  };
};
