import { isObject, type JsonObject } from '../json/json-object.ts';
import { isNext, readLinkHeader } from './link-header.ts';

/*
 * Reads what a page or a manifest says about itself. A form with only one possible meaning is accepted even if FHIR does not have it.
 * A value that cannot be read is reported as such: it must not count as absent.
 */

/** The URLs of `next` links. A link without a URL gives an empty string. */
export interface SaidLinks {
  readonly next: readonly string[];
  /** The URL of the `self` link. */
  readonly self?: string;
  /** Some links cannot be read. One of them may be the link to the next page. */
  readonly isUnreadable: boolean;
}

const isSelf = (relation: string): boolean => /(?:^|[/#])self$/i.test(relation.trim());

const urlIn = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value;
  const said = isObject(value) ? (value['url'] ?? value['href']) : undefined;
  return typeof said === 'string' ? said : undefined;
};

/** A link's relations; undefined if they cannot be read. A text may have several, as in a `Link` header. */
const relationsOf = (relation: unknown): readonly string[] | undefined => {
  const all: readonly unknown[] = Array.isArray(relation) ? relation : [relation];
  if (all.length === 0 || !all.every((one) => typeof one === 'string')) return undefined;
  return all.flatMap((one) => one.trim().split(/\s+/));
};

const isNull = (value: unknown): boolean => value === undefined || value === null;

/** What a link says its relations are, under both names. */
const relationIn = ({ relation, rel }: JsonObject): unknown => [relation, rel].filter((one) => !isNull(one)).flat();

/** A link's `next` URLs; undefined if it cannot be read. One that also has a member `next` may mean either. */
const nextIn = (link: unknown): readonly string[] | undefined => {
  if (!isObject(link) || Object.entries(link).some(([name, value]) => isNext(name) && !isNull(value))) return undefined;
  const relations = relationsOf(relationIn(link));
  return relations?.some(isNext) === true ? [urlIn(link) ?? ''] : relations && [];
};

/** The URL of the one link to the page itself. */
const selfIn = (links: readonly unknown[]): { readonly self?: string } => {
  const [self, ...others] = links.filter((link) => isObject(link) && relationsOf(relationIn(link))?.some(isSelf));
  const url = others.length === 0 ? urlIn(self) : undefined;
  return url === undefined ? {} : { self: url };
};

/** Links by their relations, as `{ "next": "…" }`. There is none where the value is null. */
const isMap = (links: JsonObject): boolean =>
  !('relation' in links || 'rel' in links) &&
  Object.values(links).every((value) => value === null || urlIn(value) !== undefined);

/** Reads the links of a Bundle or a manifest: FHIR's list, a single link, or an object with the relations as names. */
export const saidLinks = (links: unknown): SaidLinks => {
  if (isNull(links)) return { next: [], isUnreadable: false };
  if (isObject(links) && isMap(links)) {
    const found = Object.entries(links).filter(([relation, value]) => isNext(relation) && value !== null);
    const self = urlIn(Object.entries(links).find(([relation]) => isSelf(relation))?.[1]);
    return {
      next: found.map(([, value]) => urlIn(value) ?? ''),
      isUnreadable: false,
      ...(self !== undefined && { self }),
    };
  }
  const all: readonly unknown[] = Array.isArray(links) ? links : [links];
  const read = all.filter((link) => link !== null).map(nextIn);
  return { next: read.flatMap((next) => next ?? []), isUnreadable: read.includes(undefined), ...selfIn(all) };
};

/** The `next` links of a `Link` header, which some servers send in place of links in the Bundle. */
export const linksInHeader = (header: string | null): SaidLinks => {
  const { links, isUnreadable } = readLinkHeader(header);
  return { next: links.filter(({ relations }) => relations.some(isNext)).map(({ url }) => url), isUnreadable };
};

/** Reads a count. Some payers write it as a string. @returns undefined if it is absent, `unreadable` if it is not a count */
export const saidCount = (said: unknown): number | 'unreadable' | undefined => {
  if (isNull(said)) return undefined;
  const count = typeof said === 'string' && /^\s*\d+\s*$/.test(said) ? Number(said) : said;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : 'unreadable';
};

/** Why an entry is in a search's answer: https://hl7.org/fhir/R4/valueset-search-entry-mode.html */
export type EntryMode = 'match' | 'include' | 'outcome';

/** Reads an entry's `search`. What says no mode, or one that FHIR does not have, counts as a match. */
export const saidMode = (search: unknown): EntryMode => {
  const mode = isObject(search) ? search['mode'] : undefined;
  return mode === 'include' || mode === 'outcome' ? mode : 'match';
};
