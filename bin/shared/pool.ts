/**
 * Works on things a few at a time, each as soon as one before it is done. After an error nothing more is begun.
 * @throws the first error of `work`
 */
export const inParallel = async <T>(
  things: readonly T[],
  most: number,
  work: (thing: T, index: number) => Promise<void>,
): Promise<void> => {
  const left = things.entries();
  let failed = false;
  const worker = async (): Promise<void> => {
    for (const [index, thing] of left) {
      if (failed) return;
      await work(thing, index).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, things.length) }, worker));
};
