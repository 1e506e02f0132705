import type { PayerHttp } from './payer/http.ts';
import type { Registry } from './registry/registry.ts';

/** Two clocks: wall time decides what has expired, monotonic time measures. Both in milliseconds. */
export interface Clock {
  readonly now: () => number;
  readonly monotonic: () => number;
}

/** Writes one line of the structured log. */
export type WriteLog = (line: string) => void;

/** What every function depends on. */
export interface Deps {
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly payerHttp: PayerHttp;
  readonly registry: Registry;
  /** The public origin, without a trailing slash. */
  readonly origin: string;
  readonly writeLog: WriteLog;
  /** Whether only CloudFront reaches the functions, so that the headers it adds can be trusted. @default false */
  readonly behindEdge?: boolean;
}

/**
 * Reads a required environment variable.
 * @throws Error naming the variable, at the start of the function.
 */
export const requireEnvironment = (name: string): string => {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`Environment variable ${name} is missing`);
  return value;
};

/** Wall time in epoch seconds, the unit in storage and on the wire. */
export const nowSeconds = (clock: Clock): number => Math.floor(clock.now() / 1000);

export const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
