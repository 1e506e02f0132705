import { setTimeout as delay } from 'node:timers/promises';

/** Looks again and again until it is so; Jest's own time-out is the bound. */
export const eventually = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await isSo())) await delay(5);
};

/** Lets everything run that waits for neither time nor another process. */
export const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
