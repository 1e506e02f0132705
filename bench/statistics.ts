/** Median and quartiles of a series. */
export interface Spread {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** The value below which this share of the values lies, interpolated between neighbors. */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const [below = Number.NaN, above = below] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return below + (above - below) * (at - Math.floor(at));
};

export const spreadOf = (values: readonly number[]): Spread => ({
  low: quantile(values, 0.25),
  median: quantile(values, 0.5),
  high: quantile(values, 0.75),
});

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The `k` that best fits `cost = c · size^k`: the slope of the logarithms by least squares. 1 is linear. */
export const fittedExponent = (points: readonly { readonly size: number; readonly cost: number }[]): number => {
  const sizes = points.map(({ size }) => Math.log(size));
  const costs = points.map(({ cost }) => Math.log(cost));
  const [size, cost] = [mean(sizes), mean(costs)];
  const covariance = mean(sizes.map((value, index) => (value - size) * ((costs[index] ?? cost) - cost)));
  return covariance / mean(sizes.map((value) => (value - size) ** 2));
};
