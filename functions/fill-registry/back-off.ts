const firstMs = 200;
const longestMs = 5000;

/**
 * How long to wait before another try, in milliseconds: twice as long each time, up to five seconds, less up to a half.
 * @param tries how many have failed
 * @param random from 0 up to 1, so that parallel writers do not come back together
 */
export const backOff = (tries: number, random: number): number =>
  Math.min(firstMs * 2 ** (tries - 1), longestMs) * (1 - random / 2);
