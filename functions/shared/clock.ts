/** Two clocks: wall time decides what has expired, monotonic time measures. Both in milliseconds. */
export interface Clock {
  readonly now: () => number;
  readonly monotonic: () => number;
}

/** Wall time in epoch seconds, the unit in storage and on the wire. */
export const nowSeconds = (clock: Clock): number => Math.floor(clock.now() / 1000);
