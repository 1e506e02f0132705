import * as fc from 'fast-check';

/** Every run uses the same seed unless `FUZZ_SEED` is set. A failure prints the seed and the path to repeat it. */
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

/** The same for synchronous properties: without a promise per value, 100,000 checks stay fast. */
export const holdsAtOnce = <T>(arbitrary: fc.Arbitrary<T>, promise: (value: T) => void, numRuns: number): void => {
  fc.assert(fc.property(arbitrary, promise), {
    seed,
    numRuns,
    interruptAfterTimeLimit: 240_000,
    markInterruptAsFailure: true,
  });
};

/** Text made of one to four pieces, some of them long. */
export const textOf = (pieces: readonly string[], maxLength = 4): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength }).map((parts) => parts.join(''));
