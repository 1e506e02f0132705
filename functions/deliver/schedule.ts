/** How long to wait after each failed try, in seconds: three days in all, as Standard Webhooks advises. */
const waits = [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600];

/** The most tries of one delivery. */
export const mostTries = waits.length + 1;

/**
 * How long to wait before the next try, in seconds; undefined after the last try. The wait is up to a tenth longer than
 * planned, so that deliveries that failed together are not retried together.
 * @param tries how many were made
 * @param random from 0 up to 1
 */
export const waitSeconds = (tries: number, random: number): number | undefined => {
  const wait = waits[tries - 1];
  return wait === undefined ? undefined : Math.round(wait * (1 + random / 10));
};
