import type { Asked, Trouble } from './payer.ts';
import { differences, type ExportStack, type PartnersExport } from './stack.ts';

/** `npm run test:exports` sets `EXPORTS_TEST=whole` for the full sizes. Otherwise the sizes are small. */
export const isWhole = process.env['EXPORTS_TEST'] === 'whole';
export const seed = Number(process.env['EXPORTS_SEED'] ?? 1);

/** The timeout of tests in full size, in milliseconds. */
export const longestMs = 40 * 60_000;

/**
 * Throttles for so long that the job waits outside its leg, cuts off a page, and ends tokens: each once per `every` new
 * paths, and never twice on the same path.
 */
export const awkward = (payer: ExportStack['payer'], every: number) => {
  const done = new Set<string>();
  return ({ path }: Asked): Trouble | undefined => {
    if (done.has(path)) return undefined;
    done.add(path);
    const turn = done.size % every;
    if (turn === 2) return { kind: 'status', status: 429, retryAfter: 30 };
    if (turn === 4) return { kind: 'cut' };
    if (turn === 5) {
      payer.endTokens();
      return { kind: 'status', status: 401 };
    }
    return undefined;
  };
};

/** Checks that the export has each resource once, as the payer wrote it, and that no other object is left. */
export const checkExport = async (one: PartnersExport, { expected, leftOver }: ExportStack): Promise<void> => {
  const manifest = await one.finish();
  expect(differences(await one.download(manifest), expected())).toEqual([]);
  expect(manifest.error).toEqual([]);
  expect(await leftOver(one.exportId)).toEqual([]);
};
