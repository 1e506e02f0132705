import { hang, type Phase } from './hang.ts';

/**
 * A breaker that opened at 20 seconds of its own time opens until 50, 120 and 250. So it closes within 100 of the 200 that
 * the last phase has.
 */
const load = { environments: 20, perSecond: 5, before: 8, during: 15, after: 20 };
const share = ({ answered, offered }: Phase): number => answered / offered;

it('while a payer hangs for two and a half minutes, two others keep 95 % of their reads, then too, and it is asked again', async () => {
  const found = await hang({ ...load, trouble: 'hangs' });

  expect(share(found.before)).toBe(1);
  expect(share(found.during)).toBeGreaterThanOrEqual(0.95);
  expect(share(found.after)).toBeGreaterThanOrEqual(0.95);
  expect(found.openings).toBeGreaterThan(0);
  expect(found.during.third['503']).toBeGreaterThan(0.5 * load.perSecond * load.during);
  expect(found.after.third['200']).toBeGreaterThan(0);
  expect(found.isOpenAtEnd).toBe(false);
});

it('without a breaker the same payer takes every environment', async () => {
  const found = await hang({ ...load, during: 20, trouble: 'hangs', breaker: false });

  expect(share(found.during)).toBeLessThan(0.9);
});

it('one partner’s heavy searches, of twelve grants and 30 seconds each, do not open the breaker', async () => {
  const found = await hang({ ...load, perSecond: 3, during: 20, trouble: 'heavySearches' });

  expect(found.openings).toBe(0);
  expect(Object.keys(found.during.third)).toEqual(['200']);
  expect(share(found.during)).toBeGreaterThanOrEqual(0.95);
});
