import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { region } from './intrinsics.ts';
import type { FromRuntime } from './runtime.ts';
import type { FunctionSpec } from './template-functions.ts';

/** A call to an environment. */
interface Call {
  /** Its answer, at the first byte; `undefined` if the process ended before it took the call. */
  readonly answer: Promise<IncomingMessage | undefined>;
  /**
   * Resolves when the environment is free again or has ended. It is free when the handler has returned and a streamed
   * body has ended, as in Lambda (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
   */
  readonly over: Promise<void>;
}

/** An execution environment: a process with the function's code loaded, for one call at a time. */
export interface Environment {
  readonly pid: number | undefined;
  /** Resolves when it can take a call. @throws Error with what it printed, if it ended or took too long */
  readonly ready: Promise<void>;
  /** Resolves when the process has ended, with its exit code or the signal that ended it. */
  readonly ended: Promise<number | string>;
  readonly call: (event: string, about: { readonly requestId: string; readonly deadlineMs: number }) => Call;
  /** Bytes that it holds after a garbage collection (Linux only); `undefined` if it ends before it can answer. */
  readonly held: () => Promise<number | undefined>;
  readonly kill: () => Promise<void>;
}

export interface EnvironmentOptions {
  /** Path of a unix socket. No other user may have access to its folder. */
  readonly socketPath: string;
  /** The endpoint that replaces AWS. */
  readonly awsEndpoint: string;
  /** Multiplies the function's time limits for calls to AWS. @default 1 */
  readonly awsWaitFactor?: number | undefined;
  /** Gets each line that the process prints. */
  readonly onLog: (line: string) => void;
}

/** What a frozen process waits for, at its standard input. */
const thaw = '\n';

/** The time that Lambda gives a function to load its code, before the first call's timeout starts. */
const initMs = 10_000;

/** Where Node keeps `runtime.ts` without its types, which takes it a third of the time of a start. The process forgets it. */
const compileCache = process.env['NODE_COMPILE_CACHE'];

/** Nothing else from this process's environment: a function sees only what it would see in AWS. */
const variablesOf = (spec: FunctionSpec, { awsEndpoint, awsWaitFactor }: EnvironmentOptions): NodeJS.ProcessEnv => ({
  ...(compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache }),
  ...spec.environment,
  AWS_ENDPOINT_URL: awsEndpoint,
  AWS_WAIT_FACTOR: awsWaitFactor?.toString(),
  // This tells the endpoint which function calls.
  AWS_ACCESS_KEY_ID: spec.name,
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  // Keep the developer's own AWS profile out.
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  AWS_LAMBDA_FUNCTION_NAME: spec.physicalName,
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(spec.memoryMb),
  AWS_LAMBDA_FUNCTION_VERSION: spec.version ?? '$LATEST',
  LAMBDA_TASK_ROOT: spec.assetDir,
  _HANDLER: spec.handler,
  TZ: ':UTC',
});

const readyOf = (child: ChildProcess, spec: FunctionSpec, onLog: (line: string) => void): Promise<void> => {
  const firstLines: string[] = [];
  for (const output of [child.stdout, child.stderr]) {
    if (output === null) continue;
    createInterface({ input: output }).on('line', (line) => {
      // Node quotes the line that threw, and in a bundle that is the whole file.
      if (firstLines.length < 20 && line.length < 1000) firstLines.push(line);
      onLog(line);
    });
  }
  return new Promise<void>((resolve, reject) => {
    const fail = (what: string): void =>
      reject(new Error([`The function ${spec.name} ${what}`, ...firstLines].join('\n')));
    const limitMs = initMs + spec.timeoutMs;
    const timer = setTimeout(() => {
      fail(`did not start within ${limitMs / 1000} s`);
      child.kill('SIGKILL');
    }, limitMs);
    child.once('message', () => {
      clearTimeout(timer);
      resolve();
    });
    child.once('error', reject);
    child.once('close', () => {
      clearTimeout(timer);
      fail('ended while it started:');
    });
  });
};

/** Waits for a message from the process; `undefined` if it ends first. Leaves no listener behind. */
const told = (child: ChildProcess, isIt: (message: FromRuntime) => boolean): Promise<FromRuntime | undefined> =>
  new Promise((resolve) => {
    const stop = (message?: FromRuntime): void => {
      child.off('message', listen).off('exit', gone);
      resolve(message);
    };
    const listen = (message: FromRuntime): void => {
      if (isIt(message)) stop(message);
    };
    const gone = (): void => stop();
    child.on('message', listen).once('exit', gone);
    if (child.exitCode !== null || child.signalCode !== null) stop();
  });

const closeOf = (response: IncomingMessage): Promise<unknown> =>
  response.closed ? Promise.resolve() : new Promise((resolve) => response.once('close', resolve));

/** Starts a process with a function's code. */
export const startEnvironment = (spec: FunctionSpec, options: EnvironmentOptions): Environment => {
  const { socketPath, onLog } = options;
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${spec.memoryMb}`, join(import.meta.dirname, 'runtime.ts'), socketPath],
    { env: variablesOf(spec, options), stdio: ['pipe', 'pipe', 'pipe', 'ipc'], cwd: spec.assetDir },
  );
  child.stdin?.on('error', () => {});
  const ended = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? code ?? ''));
    child.once('error', ({ message }) => resolve(message));
  });
  const ready = readyOf(child, spec, onLog);
  // Not unhandled: every caller that awaits `ready` gets the error.
  ready.catch(() => {});

  let uses = 0;
  let frozen = false;
  const use = (): void => {
    uses += 1;
    if (frozen) child.stdin?.write(thaw);
    frozen = false;
  };
  /** Nothing runs between calls. Whatever is still under way continues during the next call, or never. */
  const release = (): void => {
    uses -= 1;
    if (uses > 0 || !child.connected) return;
    child.send('freeze', () => {});
    frozen = true;
  };

  const call: Environment['call'] = (event, { requestId, deadlineMs }) => {
    use();
    const returned = told(child, (message) => 'returned' in message && message.returned === requestId);
    const headers = { 'x-request-id': requestId, 'x-deadline-ms': String(deadlineMs) };
    const outgoing = request({ socketPath, method: 'POST', path: '/', headers, agent: false });
    // After the response an error also reaches its body, and is handled there.
    outgoing.on('error', () => {});
    const taken = new Promise<boolean>((resolve) => {
      outgoing.once('information', () => resolve(true));
      outgoing.once('close', () => resolve(false));
    });
    outgoing.end(event);
    const answer = once(outgoing, 'response').then(
      ([response]) => response as IncomingMessage,
      async (error: unknown) => {
        if (await taken) throw error;
        return undefined;
      },
    );
    const untilOver = async (): Promise<void> => {
      const response = await answer.catch(() => 'failed' as const);
      // Lambda takes a buffered answer all at once, so a slow reader does not keep the environment busy.
      if (response === undefined) await ended;
      else if (response === 'failed') await returned;
      else if (response.headers['x-handler'] !== 'returned') await Promise.all([closeOf(response), returned]);
    };
    return { answer, over: untilOver().finally(release) };
  };

  const held = async (): Promise<number | undefined> => {
    const answered = told(child, (message) => 'held' in message);
    use();
    child.send('held', () => {});
    const message = await answered;
    release();
    return message !== undefined && 'held' in message ? message.held : undefined;
  };

  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };

  return { pid: child.pid, ready, ended, call, held, kill };
};
