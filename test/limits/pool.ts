import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { ReaderMessage, ReaderOptions, ReadMessage } from './reader.ts';

/** A bounded number of execution environments, each of which makes one call at a time, as Lambda's do. */
export interface Pool {
  /** Makes a read in a free environment; undefined if none is free, as Lambda then refuses the call. */
  readonly read: (message: ReadMessage) => Promise<ReaderMessage> | undefined;
  readonly busy: () => number;
  readonly close: () => void;
}

/** Starts the environments of a pool, each a process. */
export const startPool = async (
  bundle: string,
  size: number,
  { options, env }: { readonly options: ReaderOptions; readonly env: Readonly<Record<string, string>> },
): Promise<Pool> => {
  const children: ChildProcess[] = [];
  for (let index = 0; index < size; index += 1) {
    const child = fork(bundle, [JSON.stringify(options)], { env, execArgv: [] });
    children.push(child);
    const failed = once(child, 'exit').then(() => Promise.reject(new Error('an environment did not start')));
    await Promise.race([once(child, 'message'), failed]);
  }
  const free = [...children];
  return {
    read: (message) => {
      const child = free.pop();
      if (child === undefined) return undefined;
      child.send(message);
      return once(child, 'message').then(([answer]: unknown[]) => {
        free.push(child);
        return answer as ReaderMessage;
      });
    },
    busy: () => children.length - free.length,
    close: () => {
      for (const child of children) child.kill('SIGKILL');
    },
  };
};
