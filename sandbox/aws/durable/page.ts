import type { WireOperation } from '@aws/durable-execution-sdk-js';
import { invalid } from './errors.ts';
import { limits } from './limits.ts';
import { shown, type StoredOperation, type Vault } from './operations.ts';

export interface StatePage {
  readonly Operations: readonly WireOperation[];
  readonly NextMarker?: string | undefined;
}

const bytesOf = ({ input = '', result = '', error = '' }: StoredOperation): number =>
  input.length + result.length + error.length;

/** A page of an execution's operations. The marker is the index of its first operation. */
export const page = (
  operations: readonly StoredOperation[],
  vault: Vault,
  { marker = '', maxItems = 0 }: { readonly marker?: string | undefined; readonly maxItems?: number | undefined } = {},
): StatePage => {
  const first = marker === '' ? 0 : Number(marker);
  if (!Number.isInteger(first) || first < 0 || first > operations.length) throw invalid('Invalid marker');
  const most = maxItems === 0 ? limits.pageItems : Math.min(maxItems, limits.pageItems);
  let last = first;
  for (let bytes = 0; last < operations.length && last - first < most; last += 1) {
    const operation = operations[last];
    bytes += operation === undefined ? 0 : bytesOf(operation);
    if (bytes > limits.pageBytes && last > first) break;
  }
  return {
    Operations: operations.slice(first, last).map((operation) => shown(operation, vault)),
    NextMarker: last < operations.length ? String(last) : undefined,
  };
};
