import { hang, type Phase } from './hang.ts';

/**
 * A breaker that opened at second 20 of its own time stays open until second 50, and then until second 120. So it closes
 * within 20 of the 80 seconds of the last phase. What becomes of each read is shown in simulated time (test/functions/fetch/breaker/pool.test.ts).
 */
const load = { environments: 20, perSecond: 5, before: 3, during: 10, after: 8 };
const share = ({ answered, offered }: Phase): number => answered / offered;

it('twenty processes go on with two payers while a third hangs, refuse that one at once, and ask it again after', async () => {
  const found = await hang({ ...load, trouble: 'hangs' });

  // Without a breaker it is about a half. Where the machine is busy, some reads find no process free in either case.
  expect(share(found.during)).toBeGreaterThan(0.8);
  expect(share(found.after)).toBeGreaterThan(0.8);
  expect(found.openings).toBeGreaterThan(0);
  expect(found.during.third['503']).toBeGreaterThan(0.5 * load.perSecond * load.during);
  expect(found.after.third['200']).toBeGreaterThan(0);
  expect(found.isOpenAtEnd).toBe(false);
});
