import * as fc from 'fast-check';
import { checkPayer } from './check.ts';
import { payerSpec } from './spec.ts';
import { withoutSwitchedOff } from './switched-off.ts';

const seed = Number(process.env['FUZZ_SEED'] ?? 20_260_601);
const payers = 250;

describe('the account of a record', () => {
  it(`keeps every promise of the documents: ${payers} payers from seed ${seed}`, async () => {
    await fc.assert(
      fc.asyncProperty(payerSpec.map(withoutSwitchedOff), async (spec) => {
        const { violations } = await checkPayer(spec);

        expect(violations).toEqual([]);
      }),
      { seed, numRuns: payers },
    );
  });
});
