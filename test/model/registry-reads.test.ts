import { runReads, type Seen } from './registry-reads.ts';

/** Set another seed, or more histories, for a run by hand. */
const seed = Number(process.env['MODEL_SEED'] ?? 20_260_601);
const histories = Number(process.env['MODEL_HISTORIES'] ?? 300);

it(`the registry’s readers find whole entries, no older than 20 seconds, or 5 minutes while the table fails: ${histories} histories from seed ${seed}`, async () => {
  const seen: Seen = { fresh: 0, old: 0, stopped: 0, damaged: 0, unknown: 0, refused: 0, cut: 0, frozen: 0 };
  for (let number = 0; number < histories; number += 1) {
    await runReads(seed + number, seen).catch((error: unknown) => {
      throw new Error(`seed ${seed + number}: ${String(error)}`, { cause: error });
    });
  }

  // Histories in which nothing happens would keep every promise.
  for (const [what, times] of Object.entries(seen)) expect([what, times > histories / 20]).toEqual([what, true]);
});
