import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { region } from './intrinsics.ts';
import type { FunctionSpec } from './template-functions.ts';

/** What a function gave back, as soon as its first byte is there. */
export interface Invocation {
  /** False where the handler threw before it answered. */
  readonly ok: boolean;
  readonly contentType: string;
  /** The payload, in Lambda's wire form; it ends with an error if the function dies or is cut off. */
  readonly payload: IncomingMessage;
}

/** The memory of a function's process. */
export interface Held {
  readonly pid: number;
  /** Resident after a collection, without the pages of files. */
  readonly bytes: number;
}

export interface LocalFunction {
  readonly spec: FunctionSpec;
  /** Of the process that serves now; `undefined` between a crash and the next call. */
  readonly pid: () => number | undefined;
  /** @throws Error when the function crashes or times out before its first byte */
  readonly invoke: (event: string, requestId: string, signal?: AbortSignal) => Promise<Invocation>;
  /** Has the process collect its garbage, and looks (Linux only); `undefined` where none serves. */
  readonly held: () => Promise<Held | undefined>;
  readonly close: () => Promise<void>;
}

export interface FunctionOptions {
  /** Path of a unix socket; its folder must be ours alone. */
  readonly socketPath: string;
  /** Stands in for all of AWS. */
  readonly awsEndpoint: string;
  /** Gets each line that the function prints. */
  readonly onLog: (name: string, line: string) => void;
  /**
   * Whether the process starts with the first invocation only, as nobody waits for that one.
   * @default false
   */
  readonly lazy?: boolean;
}

/** Nothing of our own environment: a function sees what it would see in AWS. */
const environmentOf = (spec: FunctionSpec, awsEndpoint: string): NodeJS.ProcessEnv => ({
  ...spec.environment,
  AWS_ENDPOINT_URL: awsEndpoint,
  // By this the endpoint knows who calls.
  AWS_ACCESS_KEY_ID: spec.name,
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  // The developer's own profile must not find its way in.
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  AWS_LAMBDA_FUNCTION_NAME: spec.physicalName,
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(spec.memoryMb),
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  LAMBDA_TASK_ROOT: spec.assetDir,
  _HANDLER: spec.handler,
  TZ: ':UTC',
});

/** A process, and when it is ready to serve. */
interface Starting {
  readonly child: ChildProcess;
  readonly ready: Promise<void>;
}

const start = (spec: FunctionSpec, options: FunctionOptions, socketPath: string): Starting => {
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${spec.memoryMb}`, join(import.meta.dirname, 'runtime.ts'), socketPath],
    { env: environmentOf(spec, options.awsEndpoint), stdio: ['ignore', 'pipe', 'pipe', 'ipc'], cwd: spec.assetDir },
  );
  const firstLines: string[] = [];
  for (const output of [child.stdout, child.stderr]) {
    if (output !== null) {
      createInterface({ input: output }).on('line', (line) => {
        // Node quotes the line that threw, and a bundle is one line.
        if (firstLines.length < 20 && line.length < 1000) firstLines.push(line);
        options.onLog(spec.name, line);
      });
    }
  }
  const ready = new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('error', reject);
    child.once('close', () => {
      reject(new Error([`The function ${spec.name} ended while it started:`, ...firstLines].join('\n')));
    });
  });
  return { child, ready };
};

type Headers = Readonly<Record<string, string>>;

/** Resolves with nothing where no process took the call, so that it may be made again. */
const post = async (
  socketPath: string,
  event: string,
  headers: Headers,
  signal: AbortSignal,
): Promise<IncomingMessage | undefined> => {
  const outgoing = request({ socketPath, method: 'POST', path: '/', headers, agent: false, signal });
  outgoing.end(event);
  // Past the response an error comes out of its body as well, where it is handled.
  outgoing.on('error', () => {});
  let taken = false;
  outgoing.once('information', () => (taken = true));
  try {
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    return response;
  } catch (error) {
    if (taken || signal.aborted) throw error;
    return undefined;
  }
};

const aborted = async (signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await once(signal, 'abort');
};

/** A process that serves. */
interface Serving {
  readonly socketPath: string;
  /** Resolves when the process is no more. */
  readonly ended: Promise<void>;
}

/** Starts a function's process. A crashed one is started again by the next call, as Lambda does. */
export const startFunction = async (spec: FunctionSpec, options: FunctionOptions): Promise<LocalFunction> => {
  let starts = 0;
  let closed = false;
  /** The process that serves, or is about to. */
  let child: ChildProcess | undefined;
  let serving: Serving | undefined;
  let starting: Promise<Serving> | undefined;

  const startAnew = async (): Promise<Serving> => {
    // A new name each time: a crashed process leaves its socket behind.
    const socketPath = `${options.socketPath}.${(starts += 1)}`;
    const started = start(spec, options, socketPath);
    child = started.child;
    const ended = new Promise<void>((resolve) => {
      started.child.once('exit', (code, signal) => {
        child = undefined;
        serving = undefined;
        if (!closed) options.onLog(spec.name, `The process ended (${signal ?? code}); the next call starts a new one`);
        resolve();
      });
    });
    await started.ready;
    serving = { socketPath, ended };
    return serving;
  };
  const running = (): Promise<Serving> => {
    if (closed) return Promise.reject(new Error(`The function ${spec.name} was stopped`));
    if (serving !== undefined) return Promise.resolve(serving);
    starting ??= startAnew().finally(() => (starting = undefined));
    return starting;
  };

  /** We hear of a process's end a moment after it: a call that comes too late for it waits for the next. */
  const deliver = async (event: string, headers: Headers, signal: AbortSignal): Promise<IncomingMessage> => {
    const { socketPath, ended } = await running();
    const response = await post(socketPath, event, headers, signal);
    if (response !== undefined) return response;
    await Promise.race([ended, aborted(signal)]);
    signal.throwIfAborted();
    return deliver(event, headers, signal);
  };

  const invoke = async (event: string, requestId: string, signal?: AbortSignal): Promise<Invocation> => {
    // What a start takes is not the invocation's time.
    await running();
    const timeout = new AbortController();
    const timer = setTimeout(() => {
      options.onLog(spec.name, `Task timed out after ${(spec.timeoutMs / 1000).toFixed(2)} seconds`);
      timeout.abort();
    }, spec.timeoutMs);
    const headers = { 'x-request-id': requestId, 'x-deadline-ms': String(Date.now() + spec.timeoutMs) };
    const either = AbortSignal.any([timeout.signal, ...(signal === undefined ? [] : [signal])]);
    try {
      const payload = await deliver(event, headers, either);
      payload.once('close', () => clearTimeout(timer));
      return { ok: payload.statusCode === 200, contentType: payload.headers['content-type'] ?? '', payload };
    } catch (error) {
      clearTimeout(timer);
      throw error;
    }
  };

  const held = async (): Promise<Held | undefined> => {
    if (child?.pid === undefined || serving === undefined) return undefined;
    const { pid } = child;
    const answered = once(child, 'message');
    child.send('held', () => {});
    const [bytes] = (await Promise.race([answered, serving.ended.then(() => [])])) as [number?];
    return bytes === undefined ? undefined : { pid, bytes };
  };

  const close = async (): Promise<void> => {
    closed = true;
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };

  if (options.lazy !== true) await running();
  return { spec, pid: () => child?.pid, invoke, held, close };
};

/**
 * Invokes a function directly, as EventBridge and event source mappings do.
 * @returns what it gave back, from JSON
 * @throws Error where it threw, crashed or ran out of time
 */
export const invokeDirectly = async (target: LocalFunction, event: unknown): Promise<unknown> => {
  const { ok, payload } = await target.invoke(JSON.stringify(event), randomUUID());
  const answer = await text(payload);
  if (!ok) throw new Error(`${target.spec.name} failed: ${answer}`);
  return JSON.parse(answer) as unknown;
};
