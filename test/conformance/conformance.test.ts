import { groups } from './groups.ts';
import { startLocalTarget, type LocalTarget } from './local-target.ts';
import type { Requirement } from './requirement.ts';
import { deployedTarget, type Target } from './target.ts';

const deployed = await deployedTarget(process.env);
let local: LocalTarget | undefined;

beforeAll(async () => {
  // Here with every optional field of the stage; in this process (test/functions/conformance.test.ts) with few.
  if (deployed === undefined) local = await startLocalTarget({ everyField: true });
});
afterEach(() => {
  const misuse = local?.payers.misuse.splice(0) ?? [];
  local?.reset();
  expect(misuse).toEqual([]);
});
afterAll(async () => {
  if (deployed !== undefined) reportLocalOnly();
  await local?.close();
});

const localTarget = (): LocalTarget => {
  if (local === undefined) throw new Error('There is no local stage');
  return local;
};
const target = (): Target => deployed ?? localTarget();

const declare = (requirement: Requirement): void => {
  const name = `${requirement.title} (${requirement.source})`;
  if (requirement.needs === 'a stage') it(name, () => requirement.run(target()));
  else if (deployed === undefined) it(name, () => requirement.run(localTarget()));
  // The suite cannot change a deployed stage's payer, clock or tables, so the report names what it did not ask.
  else it.skip(`local only: ${name}`, () => undefined);
};

/** Says what a deployed stage was not asked, even if the reporter names no test. */
const reportLocalOnly = (): void => {
  for (const { endpoint, requirements } of groups) {
    const titles = requirements.filter(({ needs }) => needs !== 'a stage').map(({ title }) => `\n  ${title}`);
    process.stdout.write(
      `local only, not asked of ${target().origin}: ${endpoint}, ${titles.length}${titles.join('')}\n`,
    );
  }
};

describe.each(groups)('$endpoint', ({ requirements }) => requirements.forEach(declare));
