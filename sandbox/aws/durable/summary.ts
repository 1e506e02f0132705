import type { ErrorObject } from '@aws/durable-execution-sdk-js';
import type { Execution, ExecutionStatus } from './execution.ts';
import { isOver, isVisible } from './operations.ts';

/** An execution in numbers, for tests. */
export interface ExecutionSummary {
  readonly arn: string;
  readonly name: string;
  /** The function's physical name. */
  readonly functionName: string;
  readonly version: string;
  readonly status: ExecutionStatus;
  /** Without the execution itself. */
  readonly operations: number;
  readonly meteredOperations: number;
  readonly invocations: number;
  readonly checkpoints: number;
  /** Bytes of all payloads written, including the input. */
  readonly persistedBytes: number;
  /** Names of the operations that are not over. */
  readonly open: readonly string[];
  /** `undefined` if there is none, or if the key is disabled. */
  readonly error?: ErrorObject | undefined;
}

export const summaryOf = (execution: Execution): ExecutionSummary => {
  const { arn, name, fn, status, operations, invocations, checkpoints, persistedBytes, metered } = execution;
  const errorOf = (): ErrorObject | undefined => {
    try {
      return execution.error === undefined
        ? undefined
        : (JSON.parse(execution.vault.open(execution.error)) as ErrorObject);
    } catch {
      return undefined;
    }
  };
  return {
    arn,
    name,
    functionName: fn.name,
    version: fn.version,
    status,
    operations: operations.size - 1,
    meteredOperations: metered,
    invocations,
    checkpoints,
    persistedBytes,
    open: [...operations.values()]
      .filter((one) => !isOver(one) && one.type !== 'EXECUTION' && isVisible(operations, one))
      .map((operation) => operation.name ?? operation.id),
    error: errorOf(),
  };
};
