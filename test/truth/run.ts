import { parseArgs } from 'node:util';
import * as fc from 'fast-check';
import { checkPayer } from './check.ts';
import { payerSpec, type PayerSpec } from './spec.ts';
import { withoutSwitchedOff } from './switched-off.ts';

/*
 * npm run test:truth -- --payers 1000 --seed 1          [--on: also what the gateway does not get right yet]
 * npm run test:truth -- --spec '{…}'                     one payer, as a run prints it
 */
const { values } = parseArgs({
  options: {
    payers: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    spec: { type: 'string' },
    on: { type: 'boolean', default: false },
  },
});
const [payers, seed] = [Number(values.payers), Number(values.seed)];

const specs = values.on ? payerSpec : payerSpec.map(withoutSwitchedOff);

/** The kinds of promises that a payer's account breaks, with an example each. */
const kindsOf = async (spec: PayerSpec): Promise<ReadonlyMap<string, string>> => {
  try {
    const { violations } = await checkPayer(spec);
    return new Map(violations.map(({ promise, kind, about }) => [`${promise}: ${kind}`, about]));
  } catch (error) {
    return new Map([[`an export ends: ${String(error).slice(0, 100)}`, '']]);
  }
};

if (values.spec !== undefined) {
  const { violations, account, asked } = await checkPayer(JSON.parse(values.spec) as PayerSpec);
  const { manifest, lines, errors } = account;
  process.stdout.write(
    `${JSON.stringify({ asked, outcomes: manifest.outcomes, lines, errors, violations }, undefined, 2)}\n`,
  );
  process.exit();
}

const found = new Map<string, number>();
let bad = 0;
await fc.check(
  fc.asyncProperty(specs, async (spec) => {
    const kinds = await kindsOf(spec);
    if (kinds.size > 0) bad += 1;
    for (const kind of kinds.keys()) found.set(kind, (found.get(kind) ?? 0) + 1);
  }),
  { seed, numRuns: payers },
);
process.stdout.write(`${payers} payers from seed ${seed}: ${bad} accounts break a promise\n`);
for (const [kind, count] of [...found].toSorted(([, a], [, b]) => b - a)) {
  const { counterexample } = await fc.check(
    fc.asyncProperty(specs, async (spec) => !(await kindsOf(spec)).has(kind)),
    { seed, numRuns: payers },
  );
  const [smallest] = counterexample ?? [];
  const about = smallest === undefined ? '' : (await kindsOf(smallest)).get(kind);
  process.stdout.write(`\n## ${kind} (${count} payers)\n\n${about}\n\n    ${JSON.stringify(smallest)}\n`);
}
process.stdout.write(`\n${Math.round(process.cpuUsage().user / 1e6)} s of CPU\n`);
