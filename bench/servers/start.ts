import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A server in its own process. */
export interface Server {
  readonly origin: string;
  readonly close: () => void;
}

/**
 * Starts `NAME.ts` from this folder.
 * @param variables its environment, besides this process's
 * @throws Error if it ends before it listens
 */
export const startServer = async (
  name: 'download' | 'dynalite' | 'former-plan' | 'payer',
  variables: Readonly<Record<string, string>> = {},
): Promise<Server> => {
  const child = fork(join(import.meta.dirname, `${name}.ts`), {
    execArgv: [],
    // A function logs to its standard output.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, ...variables },
  });
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`The ${name} process ended with ${String(code)}`);
  });
  gone.catch(() => undefined);
  const [{ port }] = (await Promise.race([once(child, 'message'), gone])) as [{ port: number }];
  return { origin: `http://127.0.0.1:${port}`, close: () => void child.kill() };
};
