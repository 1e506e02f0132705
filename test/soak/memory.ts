import { readFile } from 'node:fs/promises';
import type { Observations } from './observations.ts';

/** Resident megabytes of a process (proc(5), `VmRSS` in kB); `undefined` where it has gone. */
const residentMb = async (pid: number): Promise<number | undefined> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
};

/** Looks at every function's process once. */
export const sampleMemory = async (
  pids: Readonly<Record<string, number | undefined>>,
  seen: Map<string, number>,
  { memory, restarts }: Observations,
): Promise<void> => {
  for (const [name, pid] of Object.entries(pids)) {
    const before = seen.get(name);
    if (before !== undefined && before !== pid) restarts.push(name);
    if (pid === undefined) {
      seen.delete(name);
      continue;
    }
    seen.set(name, pid);
    const value = await residentMb(pid);
    if (value === undefined) continue;
    const samples = memory.get(name) ?? [];
    memory.set(name, samples);
    samples.push({ atMs: performance.now(), value });
  }
};
