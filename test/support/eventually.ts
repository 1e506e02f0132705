import { setTimeout as delay } from 'node:timers/promises';

/**
 * Checks again and again until the condition holds; Jest's own timeout is the limit.
 * @param withinMs gives up after this time, so that the test's next expectation says what was missing
 */
export const eventually = async (isSo: () => boolean | Promise<boolean>, withinMs = Infinity): Promise<void> => {
  const end = performance.now() + withinMs;
  while (!(await isSo()) && performance.now() < end) await delay(5);
};

/** Runs everything that waits for neither time nor another process. */
export const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
