import { runHistory } from './registry-history.ts';

/** Set another seed, or more histories, for a run by hand. */
const seed = Number(process.env['MODEL_SEED'] ?? 20_260_601);
const histories = Number(process.env['MODEL_HISTORIES'] ?? 1000);

describe('the registry, while several people apply and stop, and anything fails', () => {
  it(`loses no write, has no half entry, and no apply ends a stop: ${histories} histories from seed ${seed}`, async () => {
    const endings: Record<string, number> = {};
    for (let number = 0; number < histories; number += 1) {
      const ended = await runHistory(seed + number).catch((error: unknown) => {
        throw new Error(`seed ${seed + number}: ${String(error)}`, { cause: error });
      });
      for (const one of ended) endings[one ?? 'died'] = (endings[one ?? 'died'] ?? 0) + 1;
    }

    // Histories in which nothing happens would hold every promise.
    for (const ending of ['applied', 'refused', 'failed', 'died']) {
      expect([ending, (endings[ending] ?? 0) > histories / 20]).toEqual([ending, true]);
    }
  });
});
