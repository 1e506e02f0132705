/**
 * Waits for two things that run side by side. If both fail, the first one's error counts, whichever failed earlier, so
 * that a caller is told the same thing each time.
 */
export const bothInOrder = async <A, B>(first: Promise<A>, second: Promise<B>): Promise<readonly [A, B]> => {
  await Promise.allSettled([first, second]);
  return [await first, await second];
};
