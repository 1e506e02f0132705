import type { Breakers } from '../../functions/fetch/breaker/breakers.ts';

const nothing = async (): Promise<void> => {};

/** Breakers that never open, and of which nothing is stored. */
export const unguarded: Breakers = {
  look: () => undefined,
  admit: async () => ({ sent: () => undefined, answered: nothing, unanswered: nothing, end: nothing }),
};
