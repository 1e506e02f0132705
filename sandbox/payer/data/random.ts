/** A seeded source of numbers: the same seed gives the same record. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** An integer in [from, to]. */
  integer(from: number, to: number): number;
  /** `value`, plus or minus up to `spread`. */
  around(value: number, spread: number): number;
}

/** Mulberry32: small, fast, and good enough for made-up health data. */
export const createRandom = (seed: number): Random => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    integer: (from, to) => from + Math.floor(next() * (to - from + 1)),
    around: (value, spread) => value + (next() * 2 - 1) * spread,
  };
};
