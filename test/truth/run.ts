import * as fc from 'fast-check';
import { readOrExit } from '../../bin/shared/command-line.ts';
import { checkPayer } from './check.ts';
import { spec } from './flags.ts';
import { payerSpec, type PayerSpec } from './spec.ts';

/** `npm run test:truth -- --payers 1000 --seed 1`. */
const { payers, seed = Date.now() % 1_000_000_000, spec: one } = await readOrExit(spec);

/** The kinds of promises that a payer's account breaks, with an example each. */
const kindsOf = async (payer: PayerSpec): Promise<ReadonlyMap<string, string>> => {
  try {
    const { violations } = await checkPayer(payer);
    return new Map(violations.map(({ promise, kind, about }) => [`${promise}: ${kind}`, about]));
  } catch (error) {
    return new Map([[`an export ends: ${String(error).slice(0, 100)}`, '']]);
  }
};

if (one !== undefined) {
  const { violations, account, asked } = await checkPayer(one);
  const { manifest, lines, errors } = account;
  process.stdout.write(
    `${JSON.stringify({ asked, outcomes: manifest.outcomes, lines, errors, violations }, undefined, 2)}\n`,
  );
  process.exit();
}

const found = new Map<string, number>();
let bad = 0;
await fc.check(
  fc.asyncProperty(payerSpec, async (payer) => {
    const kinds = await kindsOf(payer);
    if (kinds.size > 0) bad += 1;
    for (const kind of kinds.keys()) found.set(kind, (found.get(kind) ?? 0) + 1);
  }),
  { seed, numRuns: payers },
);
process.stdout.write(`${payers} payers from seed ${seed}: ${bad} accounts break a promise\n`);
for (const [kind, count] of [...found].toSorted(([, a], [, b]) => b - a)) {
  const { counterexample } = await fc.check(
    fc.asyncProperty(payerSpec, async (payer) => !(await kindsOf(payer)).has(kind)),
    { seed, numRuns: payers },
  );
  const [smallest] = counterexample ?? [];
  const about = smallest === undefined ? '' : (await kindsOf(smallest)).get(kind);
  process.stdout.write(`\n## ${kind} (${count} payers)\n\n${about}\n\n    ${JSON.stringify(smallest)}\n`);
}
process.stdout.write(`\n${Math.round(process.cpuUsage().user / 1e6)} s of CPU\n`);
