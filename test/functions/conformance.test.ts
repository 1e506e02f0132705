import { groups } from '../conformance/groups.ts';
import { startInProcessTarget } from '../conformance/in-process-target.ts';
import type { WorldTarget } from '../conformance/target.ts';

let target: WorldTarget;

beforeAll(async () => {
  target = await startInProcessTarget();
});
afterEach(() => {
  const misuse = target.payers.misuse.splice(0);
  target.reset();
  expect(misuse).toEqual([]);
});
afterAll(() => target.close());

describe.each(groups)('$endpoint', ({ requirements }) => {
  for (const requirement of requirements) {
    if (requirement.needs === 'processes') continue;
    it(`${requirement.title} (${requirement.source})`, () => requirement.run(target));
  }
});
