import { readFileSync, writeFileSync } from 'node:fs';

/** The resident memory of a function's process during one invocation, in bytes. */
export interface InvocationMemory {
  /** When its code was loaded, before the invocation. */
  readonly startBytes: number;
  readonly peakBytes: number;
}

const statusOf = (pid: number): string | undefined => {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    // The process has ended, or this is not Linux.
    return undefined;
  }
};

const bytesOf = (status: string | undefined, field: string): number | undefined => {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status ?? '')?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
};

/**
 * Starts to measure a process (Linux only).
 * @returns a function that ends the measurement; undefined if the process has ended
 */
export const watchMemory = (pid: number): (() => InvocationMemory | undefined) => {
  try {
    // Sets the process's peak to what it holds now.
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // As in `statusOf`.
  }
  const startBytes = bytesOf(statusOf(pid), 'VmRSS');
  return () => {
    const peakBytes = bytesOf(statusOf(pid), 'VmHWM');
    return startBytes === undefined || peakBytes === undefined ? undefined : { startBytes, peakBytes };
  };
};
