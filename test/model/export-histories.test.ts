import { Broken, runExports, type Seen } from './export-history.ts';
import type { Planted } from './export-world.ts';

/** Set another seed, or more histories, for a run by hand. */
const seed = Number(process.env['MODEL_SEED'] ?? 20_260_601);
const histories = Number(process.env['MODEL_HISTORIES'] ?? 100);
const longestMs = 60 * 60_000;

const nothing = (): Seen => ({
  whole: 0,
  partial: 0,
  failed: 0,
  deleted: 0,
  refused: 0,
  waited: 0,
  overdue: 0,
  ended: 0,
  outlived: 0,
  told: 0,
});

describe('an export, whatever happens to it', () => {
  it(
    `keeps every promise: ${histories} histories from seed ${seed}`,
    async () => {
      const seen = nothing();
      for (let number = 0; number < histories; number += 1) {
        await runExports(seed + number, seen).catch((error: unknown) => {
          throw new Error(`seed ${seed + number}: ${String(error)}`, { cause: error });
        });
      }

      process.stdout.write(`${histories} histories of exports: ${JSON.stringify(seen)}\n`);
      // Histories in which nothing happens, or no export ends, would keep every promise.
      expect(seen.whole).toBeGreaterThan(histories / 5);
      const rare: readonly (keyof Seen)[] = histories < 200 ? ['failed', 'overdue'] : [];
      const all = Object.keys(seen) as (keyof Seen)[];
      expect(all.filter((what) => seen[what] === 0 && !rare.includes(what))).toEqual([]);
    },
    longestMs,
  );

  it.each<[Planted, string]>([
    ['noSweep', 'every part is deleted in the end'],
    ['noDelete', 'status only goes one way|no file is read after its end|no export outlives its grant'],
    ['replacesRunning', 'one export runs at a time'],
    ['otherEvent', 'a partner hears once'],
    ['lostPart', 'each file of a manifest can be read|as many lines'],
  ])('does not if it has the bug %s', async (planted, promise) => {
    // A bug may break other promises first.
    const broken: string[] = [];
    for (let number = 0; number < 100 && !new RegExp(promise).test(broken.at(-1) ?? ''); number += 1) {
      const found = await runExports(seed + number, nothing(), planted).catch((error: unknown) => error);
      if (found !== undefined) expect(found).toBeInstanceOf(Broken);
      if (found instanceof Broken) broken.push(found.message);
    }
    expect(broken.at(-1)).toMatch(new RegExp(promise));
  });
});
