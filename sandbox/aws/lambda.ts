import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { startEnvironment, type Environment } from './environment.ts';
import type { FunctionSpec } from './template-functions.ts';

/** What a function gave back, as soon as its first byte is there. */
export interface Invocation {
  /** False where the handler threw before it answered. */
  readonly ok: boolean;
  readonly contentType: string;
  /** The payload, in Lambda's wire form; it ends with an error if the function dies or is cut off. */
  readonly payload: IncomingMessage;
}

/** The memory of one of a function's processes. */
export interface Held {
  readonly pid: number;
  /** Resident after a collection, without the pages of files. */
  readonly bytes: number;
}

export interface LocalFunction {
  readonly spec: FunctionSpec;
  /** Of the processes that are there now, the oldest first. */
  readonly pids: () => readonly number[];
  /**
   * @throws ThrottledError when as many calls as it has environments are under way
   * @throws Error when the function crashes or times out before its first byte
   */
  readonly invoke: (event: string, requestId: string, signal?: AbortSignal) => Promise<Invocation>;
  /** Has each process collect its garbage, and looks (Linux only). */
  readonly held: () => Promise<readonly Held[]>;
  readonly close: () => Promise<void>;
}

export interface FunctionOptions {
  /** Beginning of the paths of unix sockets; their folder must be ours alone. */
  readonly socketPath: string;
  /** Stands in for all of AWS. */
  readonly awsEndpoint: string;
  /** Gets each line that the function prints. */
  readonly onLog: (name: string, line: string) => void;
  /**
   * The most environments; where the function's reserved concurrency is lower, that is the most.
   * @default 4
   */
  readonly environments?: number | undefined;
  /**
   * Whether the first process starts with the first invocation only, as nobody waits for that one.
   * @default false
   */
  readonly lazy?: boolean;
  /**
   * Calls back once so many milliseconds have passed, unless what it returns is called before.
   * @default a real timer
   */
  readonly after?: (ms: number, callBack: () => void) => () => void;
}

const afterRealTime: NonNullable<FunctionOptions['after']> = (ms, callBack) => {
  const timer = setTimeout(callBack, ms);
  return () => clearTimeout(timer);
};

/** So many processes of each function do two cores bear; an account's own limit is 1,000 for all functions together. */
export const usualEnvironments = 4;

/** Lambda took no call: each environment that the function may have is busy, as `TooManyRequestsException` says in AWS. */
export class ThrottledError extends Error {
  override readonly name = 'ThrottledError';

  constructor(name: string, limit: number) {
    super(`Rate Exceeded: ${name} has ${limit} environments, and each has a call`);
  }
}

/** The environments of one function. */
interface Fleet {
  /** One that is free, or a new one. @throws ThrottledError */
  readonly take: () => Promise<Environment>;
  readonly giveBack: (environment: Environment) => void;
  readonly all: () => readonly Environment[];
  readonly close: () => Promise<void>;
}

const fleetOf = (spec: FunctionSpec, options: FunctionOptions): Fleet => {
  const limit = Math.min(options.environments ?? usualEnvironments, spec.reservedConcurrency ?? Infinity);
  const all = new Set<Environment>();
  /** The one that was free last is the next to be used. */
  let free: Environment[] = [];
  let started = 0;
  let closed = false;

  const start = async (): Promise<Environment> => {
    // A new name each time: a crashed process leaves its socket behind.
    const socketPath = `${options.socketPath}.${(started += 1)}`;
    const onLog = (line: string): void => options.onLog(spec.name, line);
    const environment = startEnvironment(spec, { socketPath, awsEndpoint: options.awsEndpoint, onLog });
    all.add(environment);
    const forget = async (): Promise<void> => {
      const how = await environment.ended;
      all.delete(environment);
      free = free.filter((other) => other !== environment);
      if (!closed) onLog(`The process ended (${how}); a later call starts a new one`);
    };
    void forget();
    await environment.ready;
    return environment;
  };

  return {
    take: async () => {
      if (closed) throw new Error(`The function ${spec.name} was stopped`);
      const environment = free.pop();
      if (environment !== undefined) return environment;
      if (all.size >= limit) throw new ThrottledError(spec.name, limit);
      return start();
    },
    giveBack: (environment) => {
      if (all.has(environment)) free.push(environment);
    },
    all: () => [...all],
    close: async () => {
      closed = true;
      await Promise.all([...all].map((environment) => environment.kill()));
    },
  };
};

const aborted = async (signal: AbortSignal): Promise<never> => {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
};

/**
 * Starts a function. As in Lambda a process has one call at a time: calls that overlap get further processes, each with
 * its own cold start, until there are as many as there may be. Free processes stay; a crashed one is replaced by a later
 * call.
 */
export const startFunction = async (spec: FunctionSpec, options: FunctionOptions): Promise<LocalFunction> => {
  const fleet = fleetOf(spec, options);
  const { after = afterRealTime } = options;

  /** Lambda ends the process of a call that takes too long. */
  const killWhenLate = (environment: Environment, requestId: string): (() => void) =>
    after(spec.timeoutMs, () => {
      options.onLog(spec.name, `${requestId} Task timed out after ${(spec.timeoutMs / 1000).toFixed(2)} seconds`);
      void environment.kill();
    });

  const deliver = async (event: string, requestId: string, signal: AbortSignal): Promise<IncomingMessage> => {
    // What a start takes is not the invocation's time.
    const environment = await fleet.take();
    if (signal.aborted) {
      fleet.giveBack(environment);
      throw signal.reason;
    }
    const call = environment.call(event, { requestId, deadlineMs: Date.now() + spec.timeoutMs });
    const stopClock = killWhenLate(environment, requestId);
    void call.over.then(() => fleet.giveBack(environment)).finally(stopClock);
    signal.addEventListener('abort', call.leave, { once: true });
    const response = await call.answer;
    if (response !== undefined) return response;
    // We hear of a process's end a moment after it: a call that came too late for it goes to the next.
    await environment.kill();
    return deliver(event, requestId, signal);
  };

  const invoke: LocalFunction['invoke'] = async (event, requestId, signal = new AbortController().signal) => {
    const payload = await Promise.race([deliver(event, requestId, signal), aborted(signal)]);
    return { ok: payload.statusCode === 200, contentType: payload.headers['content-type'] ?? '', payload };
  };

  const held = async (): Promise<Held[]> => {
    const found: Held[] = [];
    // One after the other: each stands still while it collects.
    for (const environment of fleet.all()) {
      const { pid } = environment;
      const bytes = await environment.ready.then(environment.held, () => undefined);
      if (pid !== undefined && bytes !== undefined) found.push({ pid, bytes });
    }
    return found;
  };

  const warmUp = async (): Promise<void> => fleet.giveBack(await fleet.take());

  if (options.lazy !== true && spec.reservedConcurrency !== 0) await warmUp();
  const pids = (): number[] => fleet.all().flatMap(({ pid }) => pid ?? []);
  return { spec, pids, invoke, held, close: fleet.close };
};

/**
 * Invokes a function directly, as EventBridge and event source mappings do.
 * @returns what it gave back, from JSON
 * @throws ThrottledError
 * @throws Error where it threw, crashed or ran out of time
 */
export const invokeDirectly = async (target: LocalFunction, event: unknown): Promise<unknown> => {
  const { ok, payload } = await target.invoke(JSON.stringify(event), randomUUID());
  const answer = await text(payload);
  if (!ok) throw new Error(`${target.spec.name} failed: ${answer}`);
  return JSON.parse(answer) as unknown;
};
