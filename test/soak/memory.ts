import type { LocalStack } from '../../sandbox/stack.ts';
import type { Observations } from './observations.ts';

/** Looks at every function's process once, and remembers in `seen` which it was. */
export const sampleMemory = async (
  stack: Pick<LocalStack, 'held'>,
  seen: Map<string, number>,
  { memory, restarts }: Observations,
): Promise<void> => {
  for (const [name, { pid, bytes }] of await stack.held()) {
    const before = seen.get(name);
    if (before !== undefined && before !== pid) restarts.push(name);
    seen.set(name, pid);
    const samples = memory.get(name) ?? [];
    memory.set(name, samples);
    samples.push({ atMs: performance.now(), value: bytes / 1_000_000 });
  }
};
