/** What a process that reads is started with. */
export interface EnvironmentOrder {
  readonly kind: 'ours' | 'floor';
  /** Its tables have names of their own by it. */
  readonly name: string;
  readonly registry: string;
}

/** First how many reads to make ready, then that they may begin. */
export interface ToEnvironment {
  readonly operations?: number;
}

/** That it has started or made its reads ready; then what they took, milliseconds, the CPU time as the mean of one. */
export type FromEnvironment =
  { readonly ready: true } | { readonly cpuMs: number; readonly latencies: readonly number[] };
