import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createPayerHttp } from './payer/http-client.ts';
import { loadRegistry, type Registry } from './registry/registry.ts';

/** Two clocks: wall time decides what has expired, monotonic time measures. Both in milliseconds. */
export interface Clock {
  readonly now: () => number;
  readonly monotonic: () => number;
}

/** A request to a payer: what `fetch` takes, as far as it is needed. */
export interface PayerRequest {
  readonly method?: 'GET' | 'HEAD' | 'POST';
  readonly headers?: Record<string, string>;
  readonly body?: string | undefined;
  /** Redirects are never followed; here so that `fetch` can stand in. */
  readonly redirect?: 'manual';
  readonly signal?: AbortSignal;
  /** Whether it uses something up that is good for one request, such as a code. @default false */
  readonly oneTime?: boolean;
}

/** The bytes of a body, decompressed. They throw where the body does not end as its framing and coding say. */
export interface PayerBody extends AsyncIterable<Uint8Array> {
  /** Lets go of a body that nobody will read. */
  readonly cancel: () => Promise<void>;
}

/** A payer's answer: what is needed of a `Response`, which would load undici. */
export interface PayerResponse {
  readonly status: number;
  readonly headers: { readonly get: (name: string) => string | null };
  readonly body: PayerBody | null;
}

/** The payer's HTTP; passed in so that tests stand in for a payer. */
export type PayerHttp = (input: string | URL, init?: PayerRequest) => Promise<PayerResponse>;

/** Writes one line of the structured log. */
export type WriteLog = (line: string) => void;

/** What every function is given from outside. */
export interface Deps {
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly payerHttp: PayerHttp;
  readonly registry: Registry;
  /** The public origin, without a trailing slash. */
  readonly origin: string;
  readonly writeLog: WriteLog;
  /** Whether CloudFront alone reaches the functions, so that what it adds to a request can be believed. @default false */
  readonly behindEdge?: boolean;
}

/**
 * An environment variable that must be there.
 * @throws Error naming the variable, at the start of the function.
 */
export const environment = (name: string): string => {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`Environment variable ${name} is missing`);
  return value;
};

/** The real thing, built once while the function starts. */
export const realDeps = (): Deps => ({
  clock: { now: () => Date.now(), monotonic: () => performance.now() },
  randomBytes,
  payerHttp: createPayerHttp(),
  registry: loadRegistry(join(environment('LAMBDA_TASK_ROOT'), 'registry.json')),
  origin: environment('ORIGIN'),
  writeLog: (line) => process.stdout.write(`${line}\n`),
  behindEdge: process.env['EDGE'] === 'cloudfront',
});

/** Wall time in epoch seconds, the unit of everything stored and of everything on the wire. */
export const nowSeconds = (clock: Clock): number => Math.floor(clock.now() / 1000);

export const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
