import { blockUnderLoad } from './block-load.ts';

it('twenty busy processes admit no request of a partner later than 30 seconds after it was blocked', async () => {
  const found = await blockUnderLoad(20);
  process.stderr.write(`block under load: ${JSON.stringify(found)}\n`);

  expect(found.processes).toBe(20);
  expect(found.perSecond).toBeGreaterThan(1);
  expect(found.lastAdmitted).toBeLessThanOrEqual(30);
  expect(found.refused).toBeGreaterThan(20);
});
