import { backOff } from '../../../functions/fill-registry/try-again.ts';

describe('the wait before another try', () => {
  it('doubles from a fifth of a second up to five seconds, and stays there', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 60].map((tries) => backOff(tries, 0))).toEqual([
      200, 400, 800, 1600, 3200, 5000, 5000, 5000,
    ]);
  });

  it('is shorter by up to a half, at random, so that writers do not come back together', () => {
    expect([0, 0.5, 1].map((random) => backOff(1, random))).toEqual([200, 150, 100]);
    expect([0, 0.5, 1].map((random) => backOff(9, random))).toEqual([5000, 3750, 2500]);
  });
});
