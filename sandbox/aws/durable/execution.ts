import type { ErrorObject, WireOperation } from '@aws/durable-execution-sdk-js';
import type { StoredOperation, Vault } from './operations.ts';

/** A version of a durable function. */
export interface DurableFunction {
  /** Includes the version's number, since an execution keeps its version. */
  readonly arn: string;
  /** Physical name. */
  readonly name: string;
  readonly version: string;
  readonly executionTimeoutSeconds: number;
  readonly retentionDays: number;
  /** The customer managed key that encrypts the payloads. */
  readonly keyArn?: string | undefined;
}

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'STOPPED' | 'TIMED_OUT';

export interface CheckpointAnswer {
  /** Omitted after the checkpoint that ends the execution. */
  readonly CheckpointToken?: string;
  readonly NewExecutionState: {
    readonly Operations: readonly WireOperation[];
    readonly NextMarker?: string | undefined;
  };
}

/** One durable execution. Its payloads are sealed. Times are in milliseconds. */
export interface Execution {
  readonly arn: string;
  readonly name: string;
  readonly fn: DurableFunction;
  readonly vault: Vault;
  readonly inputDigest: string;
  readonly startedAt: number;
  /** By id, in the order in which they started. The first is the execution itself. */
  readonly operations: Map<string, StoredOperation>;
  status: ExecutionStatus;
  endedAt?: number;
  result?: string | undefined;
  error?: string | undefined;
  /** The functions that cancel the timers, by the timers' names. */
  readonly timers: Map<string, () => void>;
  /** The token of the next checkpoint. */
  token?: string | undefined;
  /** The last checkpoint that had a client token, so that a repeated one gets the same answer. */
  lastCheckpoint?:
    { readonly clientToken: string; readonly token: string; readonly answer: CheckpointAnswer } | undefined;
  isRunning: boolean;
  /** Operations that changed from outside, and that the function does not know of yet. */
  readonly news: Set<string>;
  /** The operations changed from outside that the last answer to a checkpoint contained. */
  readonly told: Set<string>;
  invocations: number;
  /** Failed invocations since the last checkpoint or the last successful invocation. */
  failures: number;
  checkpoints: number;
  /** Operations as AWS bills them: the execution, its operations, and each retry. */
  metered: number;
  persistedBytes: number;
  readonly whenOver: (() => void)[];
}

export const isEnded = ({ status }: Execution): boolean => status !== 'RUNNING';

/** Whether an execution's history has been deleted. */
export const isForgotten = ({ endedAt, fn }: Execution, now: number): boolean =>
  endedAt !== undefined && now >= endedAt + fn.retentionDays * 86_400_000;

/** Cancels a timer, if it is still set. */
export const cancelTimer = ({ timers }: Execution, name: string): void => {
  timers.get(name)?.();
  timers.delete(name);
};

export const cancelTimers = ({ timers }: Execution): void => {
  for (const cancel of timers.values()) cancel();
  timers.clear();
};

/** Seals an outcome. Returns undefined if the key cannot be used, since the execution must end all the same. */
export const sealedIfPossible = ({ vault }: Execution, value: string | ErrorObject): string | undefined => {
  try {
    return vault.seal(typeof value === 'string' ? value : JSON.stringify(value));
  } catch {
    return undefined;
  }
};

/** Ends an execution: no more timers, invocations and checkpoints. */
export const end = (
  execution: Execution,
  now: number,
  how: {
    readonly status: ExecutionStatus;
    readonly result?: string | undefined;
    readonly error?: ErrorObject | undefined;
  },
): void => {
  execution.status = how.status;
  execution.endedAt = now;
  if (how.result !== undefined) execution.result = sealedIfPossible(execution, how.result);
  if (how.error !== undefined) execution.error = sealedIfPossible(execution, how.error);
  execution.token = undefined;
  cancelTimers(execution);
  for (const tell of execution.whenOver.splice(0)) tell();
};
