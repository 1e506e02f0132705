/** A value at a time, in milliseconds of any clock. */
export interface Sample {
  readonly atMs: number;
  readonly value: number;
}

const minuteMs = 60_000;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The slope per minute of the best-fitting line (least squares); 0 for fewer than two points. */
export const slopePerMinute = (samples: readonly Sample[]): number => {
  const middle = { x: mean(samples.map(({ atMs }) => atMs)), y: mean(samples.map(({ value }) => value)) };
  const spread = samples.reduce((sum, { atMs }) => sum + (atMs - middle.x) ** 2, 0);
  if (!(spread > 0)) return 0;
  const along = samples.reduce((sum, { atMs, value }) => sum + (atMs - middle.x) * (value - middle.y), 0);
  return (along / spread) * minuteMs;
};

/** The value below which this share lies (nearest rank); `undefined` if there are no values. */
export const quantile = (values: readonly number[], share: number): number | undefined =>
  values.toSorted((one, other) => one - other)[Math.max(0, Math.ceil(share * values.length) - 1)];
