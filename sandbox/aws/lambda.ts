import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { availableParallelism } from 'node:os';
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
  readonly invoke: (event: string, requestId: string) => Promise<Invocation>;
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
  /** Multiplies its time limits for calls to AWS. @default 1 */
  readonly awsWaitFactor?: number | undefined;
  /** Gets each line that the function prints. */
  readonly onLog: (name: string, line: string) => void;
  /**
   * The most environments, or the function's reserved concurrency if that is lower. If given, each call that finds none
   * free starts one at once, however many start already.
   * @default 32, of which no more start at a time than this machine has cores
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
 * More than the parallel requests of one app. An AWS account's limit is 1,000 for all functions together; here each is a
 * process of some 60 MB.
 */
export const usualEnvironments = 32;

/** Lambda keeps an idle environment for minutes. Here each takes the developer's memory. */
const idleMs = 30_000;

/** The most processes that a function may have at a time. */
export const limitOf = (
  { reservedConcurrency }: Pick<FunctionSpec, 'reservedConcurrency'>,
  { environments }: Pick<FunctionOptions, 'environments'>,
  usual = usualEnvironments,
): number => Math.min(environments ?? usual, reservedConcurrency ?? Infinity);

/** Lambda refused a call, since all of the function's environments are busy: `TooManyRequestsException` in AWS. */
export class ThrottledError extends Error {
  override readonly name = 'ThrottledError';
  /** For whoever is told only that the service is unavailable. */
  readonly localReason: string;

  constructor(name: string, limit: number) {
    super(`Rate Exceeded: ${name} has ${limit} environments, and all are busy`);
    this.localReason =
      `On this machine: all ${limit} environments of the function ${name} are busy, so the local stack refuses the call as ` +
      "Lambda does at a function's concurrency. npm start -- --environments N sets how many there are.";
  }
}

/** The environments of one function. */
interface Fleet {
  /** A free environment, or a new one, whichever is there first. @throws ThrottledError */
  readonly take: () => Promise<Environment>;
  /** Ends a call, and frees its environment unless that has ended. */
  readonly giveBack: (environment: Environment) => void;
  readonly all: () => readonly Environment[];
  readonly endAll: () => Promise<void>;
  readonly changeEnvironment: LocalFunction['changeEnvironment'];
  readonly close: () => Promise<void>;
}

const fleetOf = (spec: FunctionSpec, options: FunctionOptions): Fleet => {
  const limit = limitOf(spec, options);
  const startsAtATime = options.environments === undefined ? availableParallelism() : Infinity;
  const { after = afterRealTime } = options;
  let deployed = spec;
  const all = new Set<Environment>();
  const ending = new Set<Environment>();
  /** The most recently freed one is used next. */
  let free: { readonly environment: Environment; readonly stopClock: () => void }[] = [];
  /** Calls that found none free, the oldest first. */
  const waiting: PromiseWithResolvers<Environment>[] = [];
  let inFlight = 0;
  let starting = 0;
  let started = 0;
  let closed = false;

  const end = async (environment: Environment): Promise<void> => {
    ending.add(environment);
    await environment.kill();
  };

  /** Lambda ends environments that nobody needs. One stays, so that a lone call has no cold start. */
  const endWhenIdle = (environment: Environment): (() => void) => {
    const isLast = (): boolean => all.size - ending.size === 1;
    if (isLast()) return () => {};
    return after(idleMs, () => {
      if (isLast()) return;
      free = free.filter((other) => other.environment !== environment);
      void end(environment);
    });
  };

  /** Gives it to the call that waits longest. */
  const offer = (environment: Environment): void => {
    if (!all.has(environment) || ending.has(environment)) return;
    const call = waiting.shift();
    if (call === undefined) free.push({ environment, stopClock: endWhenIdle(environment) });
    else call.resolve(environment);
  };

  const start = async (): Promise<void> => {
    // A new name each time, since a crashed process leaves its socket behind.
    const socketPath = `${options.socketPath}.${(started += 1)}`;
    const onLog = (line: string): void => options.onLog(spec.name, line);
    const environment = startEnvironment(deployed, { ...options, socketPath, onLog });
    all.add(environment);
    const forget = async (): Promise<void> => {
      const how = await environment.ended;
      all.delete(environment);
      free.find((other) => other.environment === environment)?.stopClock();
      free = free.filter((other) => other.environment !== environment);
      if (!ending.delete(environment)) onLog(`The process ended (${how}); a later call starts a new one`);
    };
    void forget();
    starting += 1;
    try {
      await environment.ready;
      offer(environment);
    } catch (error) {
      waiting.shift()?.reject(error);
    } finally {
      starting -= 1;
      startMore();
    }
  };

  /** Starts one for each call that waits, but not all at once: they would share the cores, and all be late. */
  const startMore = (): void => {
    if (closed) return;
    while (starting < Math.min(waiting.length, startsAtATime)) void start();
  };

  const endAll = async (): Promise<void> => {
    for (const { stopClock } of free) stopClock();
    free = [];
    await Promise.all([...all].map(end));
  };

  return {
    take: async () => {
      if (closed) throw new Error(`The function ${spec.name} was stopped`);
      if (inFlight >= limit) throw new ThrottledError(spec.name, limit);
      inFlight += 1;
      const warm = free.pop();
      warm?.stopClock();
      if (warm !== undefined) return warm.environment;
      const call = Promise.withResolvers<Environment>();
      waiting.push(call);
      startMore();
      return call.promise.catch((error: unknown) => {
        inFlight -= 1;
        throw error;
      });
    },
    giveBack: (environment) => {
      inFlight -= 1;
      offer(environment);
    },
    all: () => [...all],
    endAll,
    changeEnvironment: async (changes) => {
      deployed = { ...deployed, environment: { ...deployed.environment, ...changes } };
      await endAll();
    },
    close: async () => {
      closed = true;
      for (const call of waiting.splice(0)) call.reject(new Error(`The function ${spec.name} was stopped`));
      await endAll();
    },
  };
};

/**
 * Starts a function. As in Lambda, a process handles one call at a time. Overlapping calls get more processes, each
 * with its own cold start, up to the limit; all but one end when idle. A later call replaces a crashed one.
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

  const deliver = async (event: string, requestId: string): Promise<IncomingMessage> => {
    // The start of a process does not count toward the invocation's timeout.
    const environment = await fleet.take();
    const call = environment.call(event, { requestId, deadlineMs: Date.now() + spec.timeoutMs });
    const stopClock = killWhenLate(environment, requestId);
    void call.over.then(() => fleet.giveBack(environment)).finally(stopClock);
    const response = await call.answer;
    if (response !== undefined) return response;
    // The end of a process is reported with a short delay. A call that it no longer took goes to the next one.
    await environment.kill();
    await call.over;
    return deliver(event, requestId);
  };

  const invoke: LocalFunction['invoke'] = async (event, requestId) => {
    const payload = await deliver(event, requestId);
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
