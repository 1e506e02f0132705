import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { defaultPorts } from '../../config/local.ts';

/** Where `npm start` says on which ports it serves. The folder is not in Git. */
export const runningStackFile = join(import.meta.dirname, '..', '..', '.local', 'running.json');

/** A local stack that runs: its process, and its ports. */
export interface RunningStack {
  readonly pid: number;
  readonly ports: typeof defaultPorts;
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/**
 * The stack that `npm start` serves, if it runs. A stack that was killed leaves its file, so its process is looked for.
 * @param environment its AWS_ENDPOINT_URL may point to another stack, or to something that is not a local stack
 */
export const runningStack = (environment: NodeJS.ProcessEnv, file = runningStackFile): RunningStack | undefined => {
  const { AWS_ENDPOINT_URL: endpoint } = environment;
  try {
    const { pid, ports } = JSON.parse(readFileSync(file, 'utf8')) as RunningStack;
    if (endpoint !== undefined && endpoint !== `http://127.0.0.1:${ports.aws}`) return undefined;
    return isAlive(pid) ? { pid, ports } : undefined;
  } catch {
    return undefined;
  }
};
