import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { region } from './intrinsics.ts';
import type { FunctionSpec } from './template.ts';

/** What a function gave back, as soon as its first byte is there. */
export interface Invocation {
  /** False where the handler threw before it answered. */
  readonly ok: boolean;
  readonly contentType: string;
  /** The payload, in Lambda's wire form; it ends with an error if the function dies or is cut off. */
  readonly payload: IncomingMessage;
}

export interface LocalFunction {
  readonly spec: FunctionSpec;
  /** Of the process that serves now; `undefined` between a crash and the next call. */
  readonly pid: () => number | undefined;
  /** @throws Error when the function crashes or times out before its first byte */
  readonly invoke: (event: string, requestId: string, signal?: AbortSignal) => Promise<Invocation>;
  readonly close: () => Promise<void>;
}

export interface FunctionOptions {
  /** Path of a unix socket; its folder must be ours alone. */
  readonly socketPath: string;
  /** The endpoints of the stand-ins, as the SDK's standard variables. */
  readonly endpoints: Readonly<Record<string, string>>;
  /** Gets each line that the function prints. */
  readonly onLog: (name: string, line: string) => void;
}

/** Nothing of our own environment: a function sees what it would see in AWS. */
const environmentOf = (spec: FunctionSpec, endpoints: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
  ...spec.environment,
  ...endpoints,
  AWS_ACCESS_KEY_ID: 'local',
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

const start = async (spec: FunctionSpec, options: FunctionOptions, socketPath: string): Promise<ChildProcess> => {
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${spec.memoryMb}`, join(import.meta.dirname, 'runtime.ts'), socketPath],
    { env: environmentOf(spec, options.endpoints), stdio: ['ignore', 'pipe', 'pipe', 'ipc'], cwd: spec.assetDir },
  );
  const firstLines: string[] = [];
  for (const output of [child.stdout, child.stderr]) {
    if (output !== null) {
      createInterface({ input: output }).on('line', (line) => {
        if (firstLines.length < 20) firstLines.push(line);
        options.onLog(spec.name, line);
      });
    }
  }
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('error', reject);
    child.once('close', () => {
      reject(new Error([`The function ${spec.name} ended while it started:`, ...firstLines].join('\n')));
    });
  });
  return child;
};

const post = async (
  socketPath: string,
  event: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IncomingMessage> => {
  const outgoing = request({ socketPath, method: 'POST', path: '/', headers, agent: false, signal });
  outgoing.end(event);
  // Past the response an error comes out of its body as well, where it is handled.
  outgoing.on('error', () => {});
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return response;
};

/** Starts a function's process. A crashed one is started again by the next call, as Lambda does. */
export const startFunction = async (spec: FunctionSpec, options: FunctionOptions): Promise<LocalFunction> => {
  let starts = 0;
  let closed = false;
  let current: { child: ChildProcess; socketPath: string } | undefined;
  let starting: Promise<string> | undefined;

  const startAnew = async (): Promise<string> => {
    // A new name each time: a crashed process leaves its socket behind.
    const socketPath = `${options.socketPath}.${(starts += 1)}`;
    const child = await start(spec, options, socketPath);
    current = { child, socketPath };
    child.once('exit', (code, signal) => {
      current = undefined;
      if (!closed) options.onLog(spec.name, `The process ended (${signal ?? code}); the next call starts a new one`);
    });
    return socketPath;
  };
  const running = (): Promise<string> => {
    if (current !== undefined) return Promise.resolve(current.socketPath);
    starting ??= startAnew().finally(() => (starting = undefined));
    return starting;
  };

  const invoke = async (event: string, requestId: string, signal?: AbortSignal): Promise<Invocation> => {
    const socketPath = await running();
    const timeout = new AbortController();
    const timer = setTimeout(() => {
      options.onLog(spec.name, `Task timed out after ${(spec.timeoutMs / 1000).toFixed(2)} seconds`);
      timeout.abort();
    }, spec.timeoutMs);
    const headers = { 'x-request-id': requestId, 'x-deadline-ms': String(Date.now() + spec.timeoutMs) };
    const either = AbortSignal.any([timeout.signal, ...(signal === undefined ? [] : [signal])]);
    try {
      const payload = await post(socketPath, event, headers, either);
      payload.once('close', () => clearTimeout(timer));
      return { ok: payload.statusCode === 200, contentType: payload.headers['content-type'] ?? '', payload };
    } catch (error) {
      clearTimeout(timer);
      throw error;
    }
  };

  const close = async (): Promise<void> => {
    closed = true;
    const child = current?.child;
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };

  await running();
  return { spec, pid: () => current?.child.pid, invoke, close };
};
