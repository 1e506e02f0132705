import * as fc from 'fast-check';
import { checkPayer } from './check.ts';
import { payerSpec } from './spec.ts';

/** Payers that have been checked before, and payers that nobody has seen yet. */
const seeds = [1, 2, Date.now() % 1_000_000_000];
const payers = 200;

describe('the account of a record', () => {
  it.each(seeds)(`keeps every promise of the documents: ${payers} payers from seed %i`, async (seed) => {
    await fc.assert(
      fc.asyncProperty(payerSpec, async (spec) => {
        const { violations } = await checkPayer(spec);

        expect(violations).toEqual([]);
      }),
      { seed, numRuns: payers },
    );
  });
});
