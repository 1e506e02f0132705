import { quantile, slopePerMinute } from './statistics.ts';

describe('the slope', () => {
  const every5s = (valueAt: (minute: number) => number) =>
    Array.from({ length: 60 }, (_none, index) => ({ atMs: 1_000_000 + index * 5000, value: valueAt(index / 12) }));

  it('is that of a line, per minute', () => {
    expect(slopePerMinute(every5s((minute) => 80 + 1.5 * minute))).toBeCloseTo(1.5, 9);
    expect(slopePerMinute(every5s(() => 80))).toBe(0);
  });

  it('ignores noise without a slope', () => {
    expect(
      slopePerMinute(every5s((minute) => 80 + 2 * minute + (Math.round(minute * 12) % 2 === 0 ? 3 : -3))),
    ).toBeCloseTo(2, 0);
  });

  it('is 0 for one point, and for none', () => {
    expect(slopePerMinute([{ atMs: 5, value: 7 }])).toBe(0);
    expect(slopePerMinute([])).toBe(0);
  });
});

it('a quantile is the nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_none, index) => 100 - index);

  expect([quantile(hundred, 0.5), quantile(hundred, 0.99), quantile([7], 0.99)]).toEqual([50, 99, 7]);
  expect(quantile([], 0.5)).toBeUndefined();
});
