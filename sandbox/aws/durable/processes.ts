import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { startEnvironment, type Environment } from '../environment.ts';
import { afterRealTime, limitOf, ThrottledError, type FunctionOptions, type LocalFunction } from '../lambda.ts';
import type { FunctionSpec } from '../template-functions.ts';
import { watchMemory, type InvocationMemory } from './invocation-memory.ts';
import type { InvocationInput } from './invocations.ts';

/** A durable function on this machine. Each invocation gets its own process. */
export interface DurableProcesses extends LocalFunction {
  /**
   * Runs one invocation of a version.
   * @throws ThrottledError if the function's reserved concurrency is used up
   * @throws Error if the process dies, the invocation times out, or the handler throws
   */
  readonly run: (version: FunctionSpec, event: InvocationInput) => Promise<unknown>;
  /** Ends the process that runs an execution, if there is one, with SIGKILL. */
  readonly kill: (executionArn: string) => void;
  /** The memory of each invocation that ended by itself, oldest first (Linux only). */
  readonly memory: () => readonly InvocationMemory[];
}

/** Lets at most this many run at a time; the rest wait in order. */
const turnstile = (most: number) => {
  const waiting: (() => void)[] = [];
  let inside = 0;
  return {
    enter: async (): Promise<void> => {
      if (inside >= most) await new Promise<void>((resolve) => waiting.push(resolve));
      else inside += 1;
    },
    leave: (): void => {
      const next = waiting.shift();
      if (next === undefined) inside -= 1;
      else next();
    },
  };
};

/** The value that the handler returned. @throws Error if the handler threw */
const outcomeOf = async (environment: Environment, event: string, deadlineMs: number): Promise<unknown> => {
  const { answer } = environment.call(event, { requestId: randomUUID(), deadlineMs });
  const response = await answer;
  if (response === undefined) throw new Error('The process ended before it took the call');
  const body = await text(response);
  if (response.statusCode !== 200) throw new Error(body);
  return JSON.parse(body) as unknown;
};

/** As many as two cores can run: a job that waits for its turn is late, and nobody is refused. */
const usualAtATime = 4;

/** Creates a durable function. Its first process starts with its first invocation. */
export const durableProcesses = (spec: FunctionSpec, options: FunctionOptions): DurableProcesses => {
  const { after = afterRealTime } = options;
  const environments = new Map<Environment, string>();
  // AWS throttles only above the reserved concurrency, so calls above this machine's own limit wait instead.
  const turns = turnstile(limitOf(spec, options, usualAtATime));
  const memory: InvocationMemory[] = [];
  let running = 0;
  let started = 0;
  let closed = false;

  const runInProcess = async (version: FunctionSpec, event: InvocationInput): Promise<unknown> => {
    if (closed) throw new Error(`The function ${spec.name} was stopped`);
    const onLog = (line: string): void => options.onLog(spec.name, line);
    const socketPath = `${options.socketPath}.${(started += 1)}`;
    const environment = startEnvironment(version, { ...options, socketPath, onLog });
    environments.set(environment, event.DurableExecutionArn);
    try {
      await environment.ready;
      const stopClock = after(version.timeoutMs, () => {
        onLog(`Task timed out after ${(version.timeoutMs / 1000).toFixed(2)} seconds`);
        void environment.kill();
      });
      const peak = watchMemory(environment.pid ?? 0);
      const deadlineMs = Date.now() + version.timeoutMs;
      const outcome = await outcomeOf(environment, JSON.stringify(event), deadlineMs).finally(stopClock);
      memory.push(...[peak() ?? []].flat());
      return outcome;
    } finally {
      await environment.kill();
      environments.delete(environment);
    }
  };

  const endProcesses = async (): Promise<void> => {
    await Promise.all([...environments.keys()].map((environment) => environment.kill()));
  };

  return {
    spec,
    run: async (version, event) => {
      if (running >= (spec.reservedConcurrency ?? Infinity)) throw new ThrottledError(spec.name, running);
      running += 1;
      await turns.enter();
      try {
        return await runInProcess(version, event);
      } finally {
        turns.leave();
        running -= 1;
      }
    },
    kill: (executionArn) => {
      for (const [environment, arn] of environments) if (arn === executionArn) void environment.kill();
    },
    memory: () => [...memory],
    pids: () => [...environments.keys()].flatMap(({ pid }) => pid ?? []),
    invoke: () => Promise.reject(new Error(`${spec.name} is durable: start it with Lambda's Invoke`)),
    held: async () => {
      const found = [];
      for (const environment of environments.keys()) {
        const { pid } = environment;
        const bytes = await environment.ready.then(environment.held, () => undefined);
        if (pid !== undefined && bytes !== undefined) found.push({ pid, bytes });
      }
      return found;
    },
    changeEnvironment: async () => {},
    endProcesses,
    close: async () => {
      closed = true;
      await endProcesses();
    },
  };
};
