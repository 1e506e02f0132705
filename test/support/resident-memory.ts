import { readFileSync } from 'node:fs';

/** Resident memory of a process in MB, as Linux counts it; 0 for one that has ended. */
const residentMb = (pid: number): number => {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
};

/** Watches processes from now on; one that is new is compared with what it was when it was seen first. */
export const watchMemory = (
  pids: () => readonly number[] | undefined,
): { readonly look: () => void; /** MB by which the one that grew most did. */ readonly grownMb: () => number } => {
  const first = new Map<number, number>();
  const peaks = new Map<number, number>();
  const look = (): void => {
    for (const pid of pids() ?? []) {
      const now = residentMb(pid);
      if (!first.has(pid)) first.set(pid, now);
      peaks.set(pid, Math.max(peaks.get(pid) ?? now, now));
    }
  };
  look();
  const grownMb = (): number => Math.max(...[...peaks].map(([pid, peak]) => peak - (first.get(pid) ?? peak)));
  return { look, grownMb };
};
