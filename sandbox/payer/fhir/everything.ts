import { searchEntry } from './bundle.ts';
import type { Bundle, Entry } from './bundle.ts';
import { dateMatcher } from './dates.ts';
import { splitValues } from './filter.ts';
import type { SearchScope } from './filter.ts';
import { unsupported } from './outcome.ts';
import { readQuery } from './query.ts';
import type { Parameters, Query } from './query.ts';
import type { StoredResource } from './resource.ts';
import { entriesOnTheFly, page } from './search.ts';

const known = new Set(['_count', '_page', '_type', '_since', '_format', '_pretty']);

/** `Patient/{id}/$everything`: everything that the member may see, on one page unless `_count` is given. */
export const everything = (scope: SearchScope, parameters: Parameters): Bundle => {
  const unknown = parameters.find(([name]) => !known.has(name));
  if (unknown) throw unsupported(`$everything has no parameter "${unknown[0]}" at this health plan`);
  const paged = parameters.some(([name]) => name === '_count');
  const query = paged ? readQuery(parameters) : { ...readQuery(parameters), pageSize: Infinity };
  const types = parameters.flatMap(([name, value]) => (name === '_type' ? splitValues(value) : []));
  const since = parameters.flatMap(([name, value]) => (name === '_since' ? [dateMatcher(`ge${value}`)] : []));
  const wanted = ({ body }: StoredResource): boolean =>
    (types.length === 0 || types.includes(body.resourceType)) &&
    since.every((matches) => matches(body.meta.lastUpdated));

  const stored = Array.from(scope.view.resources.values()).filter(wanted);
  const { onTheFly } = scope.view;
  const more = onTheFly && (types.length === 0 || types.includes(onTheFly.resourceType)) ? onTheFly.count : 0;
  const path = `Patient/${scope.view.patientId}/$everything`;
  return page(scope.baseUrl, path, query, stored.length + more, entries(scope, query, stored, more));
};

/** The page's stored resources, then those made on the fly. */
const entries = function* (
  scope: SearchScope,
  query: Query,
  stored: readonly StoredResource[],
  more: number,
): Generator<Entry> {
  const end = query.offset + query.pageSize;
  for (const resource of stored.slice(query.offset, end)) yield searchEntry(scope.baseUrl, resource, 'match');
  const { onTheFly } = scope.view;
  if (!onTheFly) return;
  const start = Math.max(0, query.offset - stored.length);
  yield* entriesOnTheFly(scope.baseUrl, onTheFly, start, Math.min(more, end - stored.length));
};
