/**
 * Works on things a few at a time, each as soon as one before it is done.
 * @throws the first error of `work`
 */
export const inParallel = async <T>(
  things: readonly T[],
  most: number,
  work: (thing: T, index: number) => Promise<void>,
): Promise<void> => {
  const left = things.entries();
  const worker = async (): Promise<void> => {
    for (const [index, thing] of left) await work(thing, index);
  };
  await Promise.all(Array.from({ length: Math.min(most, things.length) }, worker));
};
