import { timeRangeOf } from './dates.ts';
import type { SearchParameter } from './definitions.ts';
import { parameterOf } from './filter.ts';
import { plainText, tokensOf } from './match.ts';
import type { StoredResource } from './resource.ts';
import { valuesOf } from './values.ts';

/** Sorts by `_sort`. Resources without a value come last in either direction. */
export const sorted = (
  resources: readonly StoredResource[],
  resourceType: string,
  keys: readonly string[],
): StoredResource[] => {
  const orders = keys.map((key) => ({
    parameter: parameterOf(resourceType, key.replace(/^-/, '')),
    direction: key.startsWith('-') ? -1 : 1,
  }));
  return resources.toSorted((a, b) => {
    for (const { parameter, direction } of orders) {
      const order = compareKeys(sortKey(a, parameter), sortKey(b, parameter), direction);
      if (order !== 0) return order;
    }
    return 0;
  });
};

type SortKey = string | number | undefined;

const compareKeys = (a: SortKey, b: SortKey, direction: number): number => {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  return a < b ? -direction : direction;
};

const sortKey = (resource: StoredResource, parameter: SearchParameter): SortKey => {
  const [value] = valuesOf(resource, parameter);
  if (value === undefined) return undefined;
  if (parameter.type === 'date') return timeRangeOf(value)?.start;
  if (parameter.type === 'token') return tokensOf(value)[0]?.code;
  if (typeof value === 'string') return plainText(value);
  if (typeof value === 'number') return value;
  const { reference, value: amount, family, text } = Object(value) as Record<string, SortKey>;
  return reference ?? amount ?? family ?? text;
};
