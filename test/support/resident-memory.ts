import { readFileSync } from 'node:fs';
import type { Held } from '../../sandbox/aws/lambda.ts';

/** The resident memory of a process in MB, as Linux counts it; 0 for one that has ended. */
const residentMb = (pid: number): number => {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
};

/** Watches processes from now on; a new one is compared with its memory when it was first seen. */
export const watchMemory = (
  pids: () => readonly number[] | undefined,
): {
  readonly look: () => void;
  /** The growth, in MB, of the process that grew most. */ readonly grownMb: () => number;
} => {
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

/**
 * Watches what the processes of a function hold after a collection. Neither V8's habits nor the machine's load affect
 * it, but an answer that is kept does.
 */
export const watchHeld = async (
  held: () => Promise<readonly Held[] | undefined>,
): Promise<{ readonly look: () => Promise<void>; readonly grownMb: () => number }> => {
  const first = new Map<number, number>();
  let grown = 0;
  const look = async (): Promise<void> => {
    for (const { pid, bytes } of (await held()) ?? []) {
      if (!first.has(pid)) first.set(pid, bytes);
      grown = Math.max(grown, bytes - first.get(pid)!);
    }
  };
  await look();
  return { look, grownMb: () => grown / 1024 / 1024 };
};

/** Calls back every ten megabytes of a body, which pauses meanwhile. */
export const everyTenMegabytes = (look: () => Promise<void>): ((bytes: number) => Promise<void>) => {
  let seen = 0;
  return async (bytes) => {
    if (Math.floor((seen + bytes) / 10_000_000) > Math.floor(seen / 10_000_000)) await look();
    seen += bytes;
  };
};
