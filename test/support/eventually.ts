import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits until the condition is true. Jest's timeout is the limit.
 * @param withinMs when to stop waiting; the test's next expectation then shows what is missing
 */
export const eventually = async (isSo: () => boolean | Promise<boolean>, withinMs = Infinity): Promise<void> => {
  const end = performance.now() + withinMs;
  while (!(await isSo()) && performance.now() < end) await delay(5);
};

/** Runs everything that waits for neither time nor another process. */
export const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
