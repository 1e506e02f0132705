import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { checkPayer } from './check.ts';
import { rareStates, type RareState } from './judge.ts';
import { payerSpec } from './spec.ts';

/** Others with each change of the repository, and the same ones wherever that change is tested. */
const seedOfTree = Number.parseInt(
  execFileSync('git', ['rev-parse', 'HEAD^{tree}'], { encoding: 'utf8' }).slice(0, 7),
  16,
);
/** Payers that have been checked before, and payers that nobody has seen yet. */
const seeds = [1, 2, seedOfTree];
const payers = 200;

describe('the account of a record', () => {
  /** How many of the payers that have been checked before are in each state. */
  const reached = new Map<RareState, number>();

  it.each(seeds)(`keeps every promise of the documents: ${payers} payers from seed %i`, async (seed) => {
    await fc.assert(
      fc.asyncProperty(payerSpec, async (spec) => {
        const { violations, reached: states } = await checkPayer(spec);
        for (const state of new Set(seed === seeds.at(-1) ? [] : states))
          reached.set(state, (reached.get(state) ?? 0) + 1);

        expect(violations).toEqual([]);
      }),
      { seed, numRuns: payers },
    );
  });

  it('is judged in each state that few payers bring about', () => {
    process.stdout.write(`${2 * payers} payers: ${JSON.stringify(Object.fromEntries(reached))}\n`);
    expect(rareStates.filter((state) => (reached.get(state) ?? 0) === 0)).toEqual([]);
  });
});
