import { countedBy } from './counted-work.ts';

describe('the work of the link rewriter and of the scope parser', () => {
  const rows = Object.entries(countedBy('count-work.ts'));

  it.each(rows)('grows with the size of the input and no faster: %s', (_kind, [once, twice, fourTimes]) => {
    expect(once).toBeGreaterThan(0);
    expect(twice / once).toBeLessThanOrEqual(2.02);
    expect(fourTimes / once).toBeLessThanOrEqual(4.04);
  });

  it('is not done for each byte of a string: whole chunks are skipped', () => {
    const [, work] = rows.find(([kind]) => kind === 'one huge string, in chunks of 16384') ?? [];
    expect(work?.[2]).toBeLessThan(256 * 10);
  });
});
