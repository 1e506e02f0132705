/** The arguments of a process that reads. */
export interface EnvironmentOrder {
  readonly kind: 'ours' | 'floor';
  /** A prefix that keeps its tables apart from other processes' tables. */
  readonly name: string;
  readonly registry: string;
}

/** The first message says how many reads to prepare. The second, without a number, starts them. */
export interface ToEnvironment {
  readonly operations?: number;
}

/**
 * Ready after the start and after each preparation; then the results, in milliseconds. CPU time is the mean of one
 * read.
 */
export type FromEnvironment =
  { readonly ready: true } | { readonly cpuMs: number; readonly latencies: readonly number[] };
