import * as fc from 'fast-check';

/** The same inputs in every run, unless `FUZZ_SEED` is set; a failure prints seed and path. */
const seed = Number(process.env['FUZZ_SEED'] ?? 20_260_601);

/** Checks a property for this many values; a failure shows the smallest counterexample found. */
export const holds = async <T>(
  arbitrary: fc.Arbitrary<T>,
  promise: (value: T) => Promise<void> | void,
  numRuns: number,
): Promise<void> => {
  await fc.assert(
    fc.asyncProperty(arbitrary, async (value) => promise(value)),
    { seed, numRuns, interruptAfterTimeLimit: 240_000, markInterruptAsFailure: true },
  );
};

/** The same without a promise per value, for properties that are checked a hundred thousand times. */
export const holdsAtOnce = <T>(arbitrary: fc.Arbitrary<T>, promise: (value: T) => void, numRuns: number): void => {
  fc.assert(fc.property(arbitrary, promise), {
    seed,
    numRuns,
    interruptAfterTimeLimit: 240_000,
    markInterruptAsFailure: true,
  });
};

/** Text of one to four pieces, some of them long. */
export const textOf = (pieces: readonly string[], maxLength = 4): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength }).map((parts) => parts.join(''));
