import { setTimeout as delay } from 'node:timers/promises';

/** Looks again and again until it is so; Jest's own time-out is the bound. */
export const eventually = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await delay(5);
};
