import type { LocalStack } from '../../sandbox/stack.ts';
import type { Observations } from './observations.ts';

/** The processes that were seen, by function, in order of appearance. */
export type Seen = Map<string, number[]>;

/** In place of a process that has ended, so that it is counted only once. */
const gone = 0;

/** The first process of a function has the function's name; further ones are numbered. */
const nameOf = (name: string, index: number): string => (index === 0 ? name : `${name} ${index + 1}`);

/** Looks at every process of every function once, and records the processes in `seen`. */
export const sampleMemory = async (
  stack: Pick<LocalStack, 'held'>,
  seen: Seen,
  { memory, restarts }: Observations,
): Promise<void> => {
  for (const [name, held] of await stack.held()) {
    const now = held.map(({ pid }) => pid);
    const before = (seen.get(name) ?? []).map((pid, index) => {
      if (pid === gone || now.includes(pid)) return pid;
      restarts.push(nameOf(name, index));
      return gone;
    });
    const all = [...before, ...now.filter((pid) => !before.includes(pid))];
    seen.set(name, all);
    for (const { pid, bytes } of held) {
      const process = nameOf(name, all.indexOf(pid));
      const samples = memory.get(process) ?? [];
      memory.set(process, samples);
      samples.push({ atMs: performance.now(), value: bytes / 1_000_000 });
    }
  }
};
