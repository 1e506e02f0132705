import { countedBy } from './counted-work.ts';

describe('the work of reading external input grows with its length and no faster:', () => {
  it.each(Object.entries(countedBy('count-parsing.ts')))('%s', (_kind, [once, twice, fourTimes]) => {
    expect(once).toBeGreaterThan(0);
    expect(twice / once).toBeLessThanOrEqual(2.05);
    expect(fourTimes / once).toBeLessThanOrEqual(4.1);
  });
});
