import { setTimeout as delay } from 'node:timers/promises';

/** Checks again and again until the condition holds; Jest's own timeout is the limit. */
export const eventually = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await isSo())) await delay(5);
};

/** Runs everything that waits for neither time nor another process. */
export const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
