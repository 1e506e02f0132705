import { notFound } from './errors.ts';
import { cancelTimer, isForgotten, type Execution } from './execution.ts';
import type { StoredOperation } from './operations.ts';

/** All executions, and helper functions that every operation on them uses. */
export interface Core {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly add: (execution: Execution) => void;
  /** Executions whose history is still kept, oldest first. */
  readonly all: () => readonly Execution[];
  /** @throws LambdaError if there is none */
  readonly find: (arn: string) => Execution;
  /** Replaces the timer of this name. */
  readonly setTimer: (execution: Execution, name: string, ms: number, callBack: () => void) => void;
  /** Saves a change that came from outside the function, and wakes the function. */
  readonly change: (execution: Execution, operation: StoredOperation) => void;
}

interface CoreOptions {
  readonly now: () => number;
  readonly after: (ms: number, callBack: () => void) => () => void;
  readonly wake: (execution: Execution) => void;
}

export const coreOf = ({ now, after, wake }: CoreOptions): Core => {
  const byArn = new Map<string, Execution>();
  return {
    now,
    add: (execution) => void byArn.set(execution.arn, execution),
    all: () => {
      for (const [arn, execution] of byArn) if (isForgotten(execution, now())) byArn.delete(arn);
      return [...byArn.values()];
    },
    find: (arn) => {
      const found = byArn.get(arn);
      if (found === undefined || isForgotten(found, now())) throw notFound(`Durable execution not found: ${arn}`);
      return found;
    },
    setTimer: (execution, name, ms, callBack) => {
      cancelTimer(execution, name);
      const cancel = after(ms, () => {
        execution.timers.delete(name);
        callBack();
      });
      execution.timers.set(name, cancel);
    },
    change: (execution, operation) => {
      execution.operations.set(operation.id, operation);
      execution.news.add(operation.id);
      wake(execution);
    },
  };
};
