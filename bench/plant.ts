import type { ApiEvent } from '../functions/shared/http/api.ts';

/** Work of this many milliseconds before each call of a function. The product's own code stays as it is. */
export interface Plant {
  readonly to: 'authorize' | 'callback' | 'token' | 'fetch';
  readonly ms: number;
}

/** Its result is kept, so that V8 cannot optimize the work away. */
const spin = (iterations: number): number => {
  let value = 1;
  for (let done = 0; done < iterations; done += 1) value = (value * 31 + done) | 0;
  return value;
};

const batch = 100_000;
const batches = 200;

/** The fastest of many batches: the others were interrupted, or V8 was still compiling. */
const iterationsPerMs = (): number => {
  let leastMs = Infinity;
  for (let measured = 0; measured < batches; measured += 1) {
    const startedAt = performance.now();
    spin(batch);
    leastMs = Math.min(leastMs, performance.now() - startedAt);
  }
  return batch / leastMs;
};

/**
 * Work that takes this long. Its iterations are counted against the clock once, in this process: a thread's CPU clock is too
 * coarse, and a loop until a time is reached would be shorter whenever another process has the core.
 */
export const busyFor = (ms: number): (() => void) => {
  const iterations = Math.round(iterationsPerMs() * ms);
  return () => void spin(iterations);
};

/** A gateway in which one function is slower. */
export const slowed = <Gateway extends Record<Plant['to'], (event: ApiEvent) => unknown>>(
  gateway: Gateway,
  { to, ms }: Plant,
): Gateway => {
  const work = busyFor(ms);
  const call = gateway[to];
  return {
    ...gateway,
    [to]: (event: ApiEvent) => {
      work();
      return call(event);
    },
  };
};
