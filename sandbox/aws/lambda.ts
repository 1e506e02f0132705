import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { startEnvironment, type Environment } from './environment.ts';
import type { FunctionSpec } from './template-functions.ts';

/** A function's result, available at its first byte. */
export interface Invocation {
  /** False if the handler threw before it answered. */
  readonly ok: boolean;
  readonly contentType: string;
  /** The payload, in Lambda's wire format. It ends with an error if the function crashes or times out. */
  readonly payload: Readable;
}

/** The memory of one process of a function. */
export interface Held {
  readonly pid: number;
  /** Resident memory after a garbage collection, without file-backed pages. */
  readonly bytes: number;
}

export interface LocalFunction {
  readonly spec: FunctionSpec;
  /** Ids of the current processes, oldest first. */
  readonly pids: () => readonly number[];
  /**
   * @throws ThrottledError if all of its environments are busy
   * @throws Error if the function crashes or times out before its first byte
   */
  readonly invoke: (event: string, requestId: string, signal?: AbortSignal) => Promise<Invocation>;
  /** Makes each process collect its garbage, then measures its memory (Linux only). */
  readonly held: () => Promise<readonly Held[]>;
  /** Changes variables, as a deployment does. Current processes end, and new ones get the changes. */
  readonly changeEnvironment: (changes: Readonly<Record<string, string>>) => Promise<void>;
  /** Ends its processes. A later call starts a new one. */
  readonly endProcesses: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface FunctionOptions {
  /** Prefix of the unix sockets' paths. No other user may have access to their folder. */
  readonly socketPath: string;
  /** The endpoint that replaces AWS. */
  readonly awsEndpoint: string;
  /** Gets each line that the function prints. */
  readonly onLog: (name: string, line: string) => void;
  /**
   * The most environments, or the function's reserved concurrency if that is lower.
   * @default 4
   */
  readonly environments?: number | undefined;
  /**
   * Whether the first process starts only at the first invocation, for functions whose callers do not wait.
   * @default false
   */
  readonly lazy?: boolean;
  /**
   * Calls back after this many milliseconds, unless the function that it returns is called first.
   * @default a real timer
   */
  readonly after?: (ms: number, callBack: () => void) => () => void;
}

export const afterRealTime: NonNullable<FunctionOptions['after']> = (ms, callBack) => {
  const timer = setTimeout(callBack, ms);
  return () => clearTimeout(timer);
};

/**
 * As many processes of each function as two cores can run. An AWS account's limit is 1,000 for all functions together.
 */
export const usualEnvironments = 4;

/** The most processes that a function may have at a time. */
export const limitOf = (
  { reservedConcurrency }: Pick<FunctionSpec, 'reservedConcurrency'>,
  { environments }: Pick<FunctionOptions, 'environments'>,
): number => Math.min(environments ?? usualEnvironments, reservedConcurrency ?? Infinity);

/** Lambda refused a call, since all of the function's environments are busy: `TooManyRequestsException` in AWS. */
export class ThrottledError extends Error {
  override readonly name = 'ThrottledError';

  constructor(name: string, limit: number) {
    super(`Rate Exceeded: ${name} has ${limit} environments, and all are busy`);
  }
}

/** The environments of one function. */
interface Fleet {
  /** A free environment, or a new one. @throws ThrottledError */
  readonly take: () => Promise<Environment>;
  readonly giveBack: (environment: Environment) => void;
  readonly all: () => readonly Environment[];
  readonly endAll: () => Promise<void>;
  readonly changeEnvironment: LocalFunction['changeEnvironment'];
  readonly close: () => Promise<void>;
}

const fleetOf = (spec: FunctionSpec, options: FunctionOptions): Fleet => {
  const limit = limitOf(spec, options);
  let deployed = spec;
  const all = new Set<Environment>();
  const ending = new Set<Environment>();
  /** The most recently freed one is used next. */
  let free: Environment[] = [];
  let started = 0;
  let closed = false;

  const start = async (): Promise<Environment> => {
    // A new name each time, since a crashed process leaves its socket behind.
    const socketPath = `${options.socketPath}.${(started += 1)}`;
    const onLog = (line: string): void => options.onLog(spec.name, line);
    const environment = startEnvironment(deployed, { socketPath, awsEndpoint: options.awsEndpoint, onLog });
    all.add(environment);
    const forget = async (): Promise<void> => {
      const how = await environment.ended;
      all.delete(environment);
      free = free.filter((other) => other !== environment);
      if (!ending.delete(environment)) onLog(`The process ended (${how}); a later call starts a new one`);
    };
    void forget();
    await environment.ready;
    return environment;
  };

  const endAll = async (): Promise<void> => {
    const environments = [...all];
    free = [];
    for (const environment of environments) ending.add(environment);
    await Promise.all(environments.map((environment) => environment.kill()));
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
    endAll,
    changeEnvironment: async (changes) => {
      deployed = { ...deployed, environment: { ...deployed.environment, ...changes } };
      await endAll();
    },
    close: async () => {
      closed = true;
      await endAll();
    },
  };
};

const aborted = async (signal: AbortSignal): Promise<never> => {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
};

/**
 * Starts a function. As in Lambda, a process handles one call at a time. Overlapping calls get more processes, each
 * with its own cold start, up to the limit. Free processes stay. A later call replaces a crashed one.
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
    // The start of a process does not count toward the invocation's timeout.
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
    // The end of a process is reported with a short delay. A call that it no longer took goes to the next one.
    await environment.kill();
    return deliver(event, requestId, signal);
  };

  const invoke: LocalFunction['invoke'] = async (event, requestId, signal = new AbortController().signal) => {
    const payload = await Promise.race([deliver(event, requestId, signal), aborted(signal)]);
    return { ok: payload.statusCode === 200, contentType: payload.headers['content-type'] ?? '', payload };
  };

  const held = async (): Promise<Held[]> => {
    const found: Held[] = [];
    // One at a time, since a process is blocked while it collects.
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
  const { changeEnvironment, endAll: endProcesses, close } = fleet;
  return { spec, pids, invoke, held, changeEnvironment, endProcesses, close };
};

/**
 * Invokes a function directly, as EventBridge and event source mappings do.
 * @returns its result, parsed from JSON
 * @throws ThrottledError
 * @throws Error if it threw, crashed or timed out
 */
export const invokeDirectly = async (target: LocalFunction, event: unknown): Promise<unknown> => {
  const { ok, payload } = await target.invoke(JSON.stringify(event), randomUUID());
  const answer = await text(payload);
  if (!ok) throw new Error(`${target.spec.name} failed: ${answer}`);
  return JSON.parse(answer) as unknown;
};
