import { flood } from './flood.ts';
import { hang, type Phase } from './hang.ts';

/* Both offer their calls at an even pace, and leave most of the processor to others: so they run at the same time. */

it.concurrent(
  'twenty processes, five with a clock two minutes ahead, admit a limit of 50 a second within 10 %, for 0.15 writes a read',
  async () => {
    const rate = { perSecond: 50, burst: 100 };
    const found = await flood({ environments: 20, rate, offered: 100, warmUp: 5, seconds: 15, skewed: 5 });
    const allowed = rate.perSecond * found.seconds;

    expect(found.admitted).toBeLessThanOrEqual(allowed * 1.1);
    expect(found.admitted).toBeGreaterThanOrEqual(allowed * 0.9);
    // A whole minute shows less than 0.1 (`npm run test:limits`); late answers on a busy machine cost a few more here.
    expect(found.writes / found.admitted).toBeLessThanOrEqual(0.15);
  },
);

/**
 * A breaker that opened at second 20 of its own time stays open until second 50, and then until second 120. So it closes
 * within 20 of the 80 seconds of the last phase. What becomes of each read is shown in simulated time (test/functions/fetch/breaker/pool.test.ts).
 */
const load = { environments: 20, perSecond: 5, before: 3, during: 10, after: 8 };
const share = ({ answered, offered }: Phase): number => answered / offered;

it.concurrent(
  'twenty processes go on with two payers while a third hangs, refuse that one at once, and ask it again after',
  async () => {
    const found = await hang({ ...load, trouble: 'hangs' });

    // Without a breaker it is about a half. Where the machine is busy, some reads find no process free in either case.
    expect(share(found.during)).toBeGreaterThan(0.8);
    expect(share(found.after)).toBeGreaterThan(0.8);
    expect(found.openings).toBeGreaterThan(0);
    expect(found.during.third['503']).toBeGreaterThan(0.5 * load.perSecond * load.during);
    expect(found.after.third['200']).toBeGreaterThan(0);
    expect(found.isOpenAtEnd).toBe(false);
  },
);
