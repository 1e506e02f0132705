import { flood } from './flood.ts';

it.each([
  ['whose clocks are right', 0],
  ['of which five have a clock two minutes ahead', 5],
])(
  'twenty processes %s, offered twice a limit of 50 a second for ten seconds, admit it within 10 %%',
  async (_name, skewed) => {
    const rate = { perSecond: 50, burst: 100 };
    const found = await flood({ environments: 20, rate, offered: 100, seconds: 10, skewed });
    const allowed = rate.perSecond * found.seconds + rate.burst;

    expect(found.failures).toBe(0);
    expect(found.admitted).toBeLessThanOrEqual(allowed * 1.1);
    expect(found.admitted).toBeGreaterThanOrEqual(allowed * 0.9);
    // Batches have to grow first; a minute brings it below a tenth (`npm run test:limits`).
    expect(found.writes / found.admitted).toBeLessThanOrEqual(0.3);
  },
);
