import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { defaultPorts } from '../../config/local.ts';
import type { StageConfig } from '../../config/stage.ts';

/** Where `npm start` says what it serves: a file for each stack, by the port of its AWS. The folder is not in Git. */
const runningStacks = join(import.meta.dirname, '..', '..', '.local', 'running');

/** A local stack that runs. */
export interface RunningStack {
  readonly pid: number;
  readonly ports: typeof defaultPorts;
  /** Stage `local` as it is served, with the keys and clients of this start; undefined if it serves a file of someone's own. */
  readonly config?: StageConfig | undefined;
}

const fileOf = ({ ports }: RunningStack, folder: string): string => join(folder, `${ports.aws}.json`);

/** Writes down which stack is running. @returns a function that removes the note */
export const noteRunning = async (stack: RunningStack, folder = runningStacks): Promise<() => Promise<void>> => {
  await mkdir(folder, { recursive: true });
  await writeFile(fileOf(stack, folder), JSON.stringify(stack), { mode: 0o600 });
  return () => rm(fileOf(stack, folder), { force: true });
};

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** A stack that was killed leaves its file behind, so this checks that its process exists. */
const readAlive = (file: string): readonly (RunningStack & { readonly since: number })[] => {
  try {
    const stack = JSON.parse(readFileSync(file, 'utf8')) as RunningStack;
    return isAlive(stack.pid) ? [{ ...stack, since: statSync(file).mtimeMs }] : [];
  } catch {
    return [];
  }
};

const filesIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
};

/** Whether a URL leads to a port on this machine. */
const isLocalPort = (url: string, port: number): boolean => {
  const parsed = URL.parse(url);
  return parsed?.port === String(port) && ['127.0.0.1', 'localhost'].includes(parsed.hostname);
};

/**
 * The stack that `npm start` serves: of several, the one whose AWS the environment names, or else the newest.
 * @param environment its AWS_ENDPOINT_URL may also name something that is no local stack; then the result is undefined
 */
export const runningStack = (environment: NodeJS.ProcessEnv, folder = runningStacks): RunningStack | undefined => {
  const { AWS_ENDPOINT_URL: endpoint } = environment;
  const [newest] = filesIn(folder)
    .flatMap(readAlive)
    .filter(({ ports }) => endpoint === undefined || isLocalPort(endpoint, ports.aws))
    .toSorted((a, b) => b.since - a.since);
  if (newest === undefined) return undefined;
  const { since: _since, ...stack } = newest;
  return stack;
};
