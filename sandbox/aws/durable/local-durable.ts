import { functionArn } from '../intrinsics.ts';
import type { LocalFunction } from '../lambda.ts';
import type { InvocationMemory } from './invocation-memory.ts';
import type { DurableLambda, OnCheckpoint } from './local-lambda.ts';
import type { ExecutionSummary } from './summary.ts';

/** The durable functions of the local cloud, for tests and tools. */
export interface LocalDurable {
  /** Oldest first. */
  readonly executions: () => readonly ExecutionSummary[];
  /** Resolves when an execution is over. @param name of the execution @throws Error if there is none */
  readonly over: (name: string) => Promise<ExecutionSummary>;
  /** Sets a hook that runs around every checkpoint, and can kill the function or refuse the checkpoint. */
  readonly onCheckpoint: (hook: OnCheckpoint | undefined) => void;
  /** Sets the clock of waits, retries and time-outs forward by milliseconds. Timers that are then due run at once. */
  readonly passTime: (ms: number) => void;
  /**
   * Deploys a new version of a function, by its name. Running executions keep the version that they started with.
   * @param assetDir the folder of other code for it
   * @returns the new version's ARN
   */
  readonly newVersion: (name: string, assetDir?: string) => Promise<string>;
  /** The memory of a function's invocations that ended by themselves, oldest first (Linux only). */
  readonly memory: (name: string) => readonly InvocationMemory[];
  /** Every execution as it is stored, as JSON. */
  readonly dump: () => string;
}

const isDurable = (target: LocalFunction): boolean => target.spec.durable !== undefined;

/** Updates the functions whose environment names a version of this durable function, as a deployment does. */
const pointToVersion = async (started: readonly LocalFunction[], physicalName: string, arn: string): Promise<void> => {
  const anyVersion = new RegExp(`^${functionArn(physicalName)}:\\d+$`);
  for (const target of started) {
    const changes = Object.entries(target.spec.environment)
      .filter(([, value]) => anyVersion.test(value))
      .map(([variable]) => [variable, arn]);
    if (changes.length > 0) await target.changeEnvironment(Object.fromEntries(changes));
  }
};

export const localDurable = (lambda: DurableLambda, started: readonly LocalFunction[]): LocalDurable => {
  const { engine } = lambda;
  const named = (name: string): ExecutionSummary => {
    const found = engine.executions().find((execution) => execution.name === name);
    if (found === undefined) throw new Error(`There is no durable execution ${name}`);
    return found;
  };
  const durableNamed = (name: string): LocalFunction => {
    const target = started.filter(isDurable).find(({ spec }) => spec.name === name);
    if (target === undefined) throw new Error(`The stack has no durable function ${name}`);
    return target;
  };
  return {
    executions: engine.executions,
    over: async (name) => {
      await engine.over(named(name).arn);
      return named(name);
    },
    onCheckpoint: lambda.onCheckpoint,
    passTime: lambda.passTime,
    newVersion: async (name, assetDir) => {
      const { physicalName } = durableNamed(name).spec;
      const arn = lambda.publishAgain(physicalName, assetDir);
      await pointToVersion(started, physicalName, arn);
      return arn;
    },
    memory: (name) => lambda.memoryOf(durableNamed(name).spec.physicalName),
    dump: engine.dump,
  };
};
