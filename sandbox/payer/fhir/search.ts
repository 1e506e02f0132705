import { fhirBase } from '../data/record.ts';
import type { OnTheFlyResources } from '../data/record.ts';
import { searchEntry } from './bundle.ts';
import type { Bundle, Entry, Link } from './bundle.ts';
import { filter, splitValues } from './filter.ts';
import type { SearchScope } from './filter.ts';
import { included } from './include.ts';
import { unsupported } from './outcome.ts';
import { readQuery, writePage } from './query.ts';
import type { Parameters, Query } from './query.ts';
import { storeResource, type StoredResource } from './resource.ts';
import { sorted } from './sort.ts';

/** Answers a search of one type. `path` is the base of its links, such as `Observation`. */
export const search = (scope: SearchScope, resourceType: string, path: string, parameters: Parameters): Bundle => {
  const query = readQuery(parameters);
  const { onTheFly } = scope.view;
  if (onTheFly?.resourceType === resourceType && !parameters.some(([name]) => name === '_id')) {
    return searchOnTheFly(scope, onTheFly, path, query);
  }
  const filters = query.filters.map(([name, value]) => filter(scope, resourceType, name, value));
  const candidates = candidatesOf(scope, resourceType, parameters);
  const found = candidates.filter((resource) => filters.every((matches) => matches(resource)));
  const matches = sorted(found, resourceType, query.sort).slice(query.offset, query.offset + query.pageSize);
  const others = included(scope.view, query, matches);
  const entries = [
    ...matches.map((resource) => searchEntry(scope.baseUrl, resource, 'match')),
    ...others.map((resource) => searchEntry(scope.baseUrl, resource, 'include')),
  ];
  return page(scope.baseUrl, path, query, found.length, entries);
};

/** One page of a searchset, with its links. */
export const page = (baseUrl: string, path: string, query: Query, total: number, entries: Iterable<Entry>): Bundle => {
  const link = (relation: string, offset: number): Link => {
    const repeated = query.repeated.map(([name, value]): [string, string] => [name, value]);
    const asked = new URLSearchParams(offset > 0 ? [...repeated, ['_page', writePage(offset)]] : repeated).toString();
    return { relation, url: `${baseUrl}/${path}${asked && `?${asked}`}` };
  };
  const links = [link('self', query.offset)];
  if (query.countOnly) return { type: 'searchset', total, links, entries: [] };
  if (query.offset > 0) links.push(link('previous', Math.max(0, query.offset - query.pageSize)));
  if (query.offset + query.pageSize < total) links.push(link('next', query.offset + query.pageSize));
  return { type: 'searchset', total, links, entries };
};

/** The resources to search: all stored ones of the type, or those that `_id` names. */
const candidatesOf = (
  { view, baseUrl }: SearchScope,
  resourceType: string,
  parameters: Parameters,
): StoredResource[] => {
  const { onTheFly } = view;
  if (onTheFly?.resourceType === resourceType) {
    const ids = parameters.flatMap(([name, value]) => (name === '_id' ? splitValues(value) : []));
    const indexes = new Set(ids.flatMap((id) => onTheFly.indexOf(id) ?? []));
    return Array.from(indexes, (index) => storeResource(onTheFly.text(index), baseUrl));
  }
  return Array.from(view.resources.values()).filter(({ body }) => body.resourceType === resourceType);
};

/** Parameters with the same value for all resources made on the fly, so testing the first one is enough. */
const commonParameters = new Set(['patient', 'subject', 'code', 'category', 'status', 'performer', '_profile']);

const searchOnTheFly = (scope: SearchScope, onTheFly: OnTheFlyResources, path: string, query: Query): Bundle => {
  const filters = query.filters.map(([name, value]) => {
    if (!commonParameters.has(name)) throw unsupported(`${name}: this member's record is searched by ${oneOf} only`);
    return filter(scope, onTheFly.resourceType, name, value);
  });
  // They are written only from the latest to the earliest.
  const unsortable = query.sort.some((key) => key !== '-date');
  if (unsortable || query.includes.length + query.iteratedIncludes.length + query.revIncludes.length > 0) {
    throw unsupported("_include, _revinclude and any _sort but -date are not supported on this member's record");
  }
  const first = storeResource(onTheFly.text(0), scope.baseUrl);
  const total = filters.every((matches) => matches(first)) ? onTheFly.count : 0;
  const end = Math.min(total, query.offset + query.pageSize);
  return page(scope.baseUrl, path, query, total, entriesOnTheFly(scope.baseUrl, onTheFly, query.offset, end));
};

const oneOf = Array.from(commonParameters).join(', ');

/** Makes the entries from `start` up to `end`, each when it is requested. */
export const entriesOnTheFly = function* (
  baseUrl: string,
  onTheFly: OnTheFlyResources,
  start: number,
  end: number,
): Generator<Entry> {
  for (let index = start; index < end; index++) {
    const text = onTheFly.text(index).replaceAll(fhirBase, baseUrl);
    const id = /"id":"([^"]+)"/.exec(text)?.[1];
    yield { fullUrl: `${baseUrl}/${onTheFly.resourceType}/${id}`, text, beside: { search: { mode: 'match' } } };
  }
};
