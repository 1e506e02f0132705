import { badRequest, unsupported } from './outcome.ts';

export type Parameters = readonly (readonly [name: string, value: string])[];

/** A parsed search: the parameters that select, and those that shape the answer. */
export interface Query {
  readonly filters: Parameters;
  readonly includes: readonly string[];
  readonly iteratedIncludes: readonly string[];
  readonly revIncludes: readonly string[];
  readonly sort: readonly string[];
  readonly countOnly: boolean;
  /** Matches per page; 50 by default. */
  readonly pageSize: number;
  readonly offset: number;
  /** The parameters to repeat in a link to another page. */
  readonly repeated: Parameters;
}

const defaultPageSize = 50;
const maximumPageSize = 100_000;

export const readQuery = (parameters: Parameters): Query => {
  const values = (name: string): string[] => parameters.flatMap(([key, value]) => (key === name ? [value] : []));
  const summary = values('_summary')[0] ?? 'false';
  if (summary !== 'count' && summary !== 'false')
    throw unsupported(`_summary=${summary}; count and false are supported`);
  const pageSize = wholeNumber('_count', values('_count')[0] ?? String(defaultPageSize));
  return {
    filters: parameters.filter(([name]) => !shaping.has(name.split(':')[0] ?? '')),
    includes: values('_include'),
    iteratedIncludes: values('_include:iterate'),
    revIncludes: values('_revinclude'),
    sort: values('_sort').flatMap((value) => value.split(',')),
    countOnly: summary === 'count' || pageSize === 0,
    pageSize: Math.min(pageSize, maximumPageSize),
    offset: readPage(values('_page')[0]),
    repeated: parameters.filter(([name]) => name !== '_page'),
  };
};

/** Parameters that shape an answer and select nothing. */
const shaping = new Set([
  '_include',
  '_revinclude',
  '_sort',
  '_count',
  '_page',
  '_summary',
  '_total',
  '_format',
  '_pretty',
]);

/** Opaque, so that clients follow links instead of counting pages. */
export const writePage = (offset: number): string => {
  return Buffer.from(`from ${offset}`).toString('base64url');
};

export const readPage = (page: string | undefined): number => {
  if (page === undefined) return 0;
  const [, offset] = /^from (\d{1,9})$/.exec(Buffer.from(page, 'base64url').toString()) ?? [];
  if (offset === undefined) throw badRequest('This server did not issue this _page');
  return Number(offset);
};

const wholeNumber = (name: string, text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw badRequest(`${name} must be a whole number`);
  return Number(text);
};
