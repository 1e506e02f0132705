import { isObject, objectsIn, type JsonObject } from '../json/json-object.ts';
import type { Places } from './last-page.ts';
import { isNext, readLinkHeader } from './link-header.ts';

/*
 * Reads what a page or a manifest says about itself. A form with only one possible meaning is accepted even if FHIR does not have it.
 * A value that cannot be read is reported as such: it must not count as absent.
 */

/** The URLs of `next` links, and that of the one link with each other relation. A next link without a URL gives an empty string. */
export interface SaidLinks extends Places {
  readonly next: readonly string[];
  /** Some links cannot be read. One of them may be the link to the next page. */
  readonly isUnreadable: boolean;
}

/** The last segment of a relation that is a URL, else the relation, in lower case. */
const nameOf = (relation: string): string => relation.trim().toLowerCase().split(/[/#]/).at(-1)!;

/**
 * Relations that lead to no further page: those of R4's pages (https://hl7.org/fhir/R4/http.html#paging), others that IANA registers
 * (https://www.iana.org/assignments/link-relations), such as Google's `search`, and HAPI's `fhir-base`. Nobody knows what any other means.
 */
const notFurther: ReadonlySet<string> = new Set(
  'self first last prev previous search about alternate author base canonical copyright describedby describes edit fhir-base help icon license privacy-policy profile related service service-desc service-doc service-meta start status terms-of-service type up version-history via'.split(
    ' ',
  ),
);

const isKnown = (relation: string): boolean => isNext(relation) || notFurther.has(nameOf(relation));

const urlIn = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value;
  const said = isObject(value) ? (value['url'] ?? value['href']) : undefined;
  return typeof said === 'string' ? said : undefined;
};

/** The URL of a next link; empty if there is none. Some write null as a text. */
const nextUrlIn = (link: unknown): string => (urlIn(link) ?? '').replace(/^\s*null\s*$/, '');

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
  if (relations?.some(isNext) === true) return [nextUrlIn(link)];
  return relations?.every(isKnown) === true ? [] : undefined;
};

/** The URL of the one link with each relation that says where in a search the page is. */
const placesIn = (
  links: readonly { readonly relations: readonly string[]; readonly url: string | undefined }[],
): Places =>
  Object.fromEntries(
    ['self', 'first', 'last'].flatMap((name) => {
      const [one, ...others] = links.filter(({ relations }) => relations.some((relation) => nameOf(relation) === name));
      return others.length > 0 || one?.url === undefined ? [] : [[name, one.url]];
    }),
  );

/** Links by their relations, as `{ "next": "…" }`. There is none where the value is null. */
const isMap = (links: JsonObject): boolean =>
  !('relation' in links || 'rel' in links) &&
  Object.values(links).every((value) => value === null || urlIn(value) !== undefined);

/** Reads the links of a Bundle or a manifest: FHIR's list, a single link, or an object with the relations as names. */
export const saidLinks = (links: unknown): SaidLinks => {
  if (isNull(links)) return { next: [], isUnreadable: false };
  if (isObject(links) && isMap(links)) {
    const found = Object.entries(links).filter(([, value]) => value !== null);
    return {
      next: found.filter(([relation]) => isNext(relation)).map(([, value]) => nextUrlIn(value)),
      isUnreadable: !found.every(([relation]) => isKnown(relation)),
      ...placesIn(found.map(([relation, value]) => ({ relations: [relation], url: urlIn(value) }))),
    };
  }
  const all: readonly unknown[] = Array.isArray(links) ? links : [links];
  const read = all.filter((link) => link !== null).map(nextIn);
  const placed = objectsIn(all).map((link) => ({ relations: relationsOf(relationIn(link)) ?? [], url: urlIn(link) }));
  return { next: read.flatMap((next) => next ?? []), isUnreadable: read.includes(undefined), ...placesIn(placed) };
};

/**
 * The links of a `Link` header, which some servers send in place of links in the Bundle. It may have relations of any kind, since it is also
 * about the answer itself.
 */
export const linksInHeader = (header: string | null): SaidLinks => {
  const { links, isUnreadable } = readLinkHeader(header);
  const next = links.filter(({ relations }) => relations.some(isNext)).map(({ url }) => url);
  return { next, isUnreadable, ...placesIn(links) };
};

/** Reads a count. Some payers write it as a string. @returns undefined if it is absent, `unreadable` if it is not a count */
export const saidCount = (said: unknown): number | 'unreadable' | undefined => {
  if (isNull(said)) return undefined;
  const count = typeof said === 'string' && /^\s*\d+\s*$/.test(said) ? Number(said) : said;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : 'unreadable';
};

/** A count in a header. An empty one says nothing. */
const countInHeader = (header: string | null): ReturnType<typeof saidCount> =>
  header?.trim() === '' ? undefined : saidCount(header);

/**
 * How many items there are, according to a `Content-Range` in a unit other than bytes (https://www.rfc-editor.org/rfc/rfc9110#section-14.4).
 * Some servers leave out the unit, as PostgREST does (https://docs.postgrest.org/en/stable/references/api/pagination_count.html), and some
 * write it in other forms.
 */
const countInRange = (range: string | null): ReturnType<typeof saidCount> => {
  if (range === null || range.trim() === '' || /^\s*bytes\b/i.test(range)) return undefined;
  const size = range.slice(range.lastIndexOf('/') + 1).trim();
  if (size === '*') return undefined;
  return range.includes('/') ? saidCount(size) : 'unreadable';
};

/**
 * How many resources a search finds, by headers that servers of other kinds of search have: the highest count.
 * @returns as {@link saidCount}
 */
export const countInHeaders = (headers: Pick<Headers, 'get'>): ReturnType<typeof saidCount> => {
  const named = ['x-total-count', 'x-total'].map((name) => countInHeader(headers.get(name)));
  const counts = [...named, countInRange(headers.get('content-range'))];
  if (counts.includes('unreadable')) return 'unreadable';
  const read = counts.filter((count) => typeof count === 'number');
  return read.length === 0 ? undefined : Math.max(...read);
};

const namesOf = (names: string): ReadonlySet<string> => new Set(names.split(' '));

/**
 * An issue with one of these codes means that something may be missing, whatever its severity: the payer could not finish its work, or
 * withheld something.
 */
export const codesOfLack = namesOf(
  'security login unknown expired forbidden suppressed incomplete transient timeout throttled lock-error no-store exception too-costly',
);

/** A value of a `Warning` header, with or without its date (https://www.rfc-editor.org/rfc/rfc7234#section-5.5). */
const warningForm = /[\s,]*(\d{3}) +[^\s",]+ +"((?:[^"\\]|\\.)*)"(?: +"[^"]*")?\s*(?:,|$)/y;

/** Those that say what a cache or a proxy did without changing what is in the answer. */
const harmlessWarnings = namesOf('113 214');

const month = '(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*';

/** A URL, a path, a version or a date. */
const ofAnEnd = new RegExp(
  String.raw`https?://\S+|(?<!\S)/\S+|\bv\d+(?:\.\d+)*\b|\b(?:\d{4}-\d\d-\d\d|\d{1,2} ${month} \d{4}|${month} \d{1,2},? \d{4})\b`,
  'gi',
);

/** The words of a text that is about nothing but the end of an API. Others may say what the answer lacks. */
const wordsOfAnEnd = namesOf(
  'a after an and api apis at be been before by current date decommissioned deprecate deprecated deprecation discontinued down end endpoint ends fhir for from has have in instead is it its latest life longer maintained migrate move new newer no obsolete of off old on please removed retired retirement see service shut shutdown soon sunset supported switch switched the this to until upgrade url use version was will',
);

const isOfAnEnd = (text: string): boolean => {
  const words = text
    .replaceAll(ofAnEnd, ' ')
    .toLowerCase()
    .split(/[\s.,:;()-]+/);
  return (
    words.some((word) => /^(?:deprecat|sunset|obsolete)/.test(word)) &&
    words.every((word) => word === '' || wordsOfAnEnd.has(word))
  );
};

/** Whether a `Warning` header may say that something is missing: a value of it cannot be read, or is not only about the API's own end. */
export const mayLack = (warning: string | null): boolean => {
  const all = warning?.trim() ?? '';
  for (warningForm.lastIndex = 0; warningForm.lastIndex < all.length;) {
    const [, code = '', text = ''] = warningForm.exec(all) ?? [];
    if (!harmlessWarnings.has(code) && !isOfAnEnd(text)) return true;
  }
  return false;
};

/** The members that R4 has in a Bundle and in its entries (https://hl7.org/fhir/R4/bundle-definitions.html), and R5's `issues`. */
const members = {
  bundle: namesOf(
    'resourceType id _id meta implicitRules _implicitRules language _language identifier type _type timestamp _timestamp total _total link entry signature issue issues',
  ),
  entry: namesOf('id _id extension modifierExtension link fullUrl _fullUrl resource search request response'),
} as const;

/** What servers add that holds no entries, pages or counts: comments and texts, and what Aidbox tells of its query. */
const additions = namesOf('fhir_comments text query-time query-timeout query-sql params');

/** Whether a member of a Bundle, or of its entry, is known: any other may hold entries, pages or counts. */
export const isKnownMember = (of: keyof typeof members, name: string): boolean =>
  members[of].has(name) || additions.has(name);

const empty = namesOf('null [] {} ""');

/** Whether a value holds nothing. @param json without white space */
export const isEmpty = (json: string): boolean => empty.has(json);

/** Whether a member holds nothing, or says only that there is no more. @param json as in {@link isEmpty} */
export const holdsNothing = (name: string, json: string): boolean =>
  isEmpty(json) || (json === 'false' && /^has[-_]?(?:more|next)$/i.test(name));

/** The types of a Bundle that answers a search: R4's, and the one that OpenEMR sends (https://github.com/openemr/openemr/issues/6885). */
const searchTypes = namesOf('searchset collection');

/** Whether a Bundle's type, if it says one, is that of an answer to a search. */
export const answersSearch = (type: unknown): boolean =>
  isNull(type) || (typeof type === 'string' && searchTypes.has(type.trim().toLowerCase()));

/** Why an entry is in a search's answer: https://hl7.org/fhir/R4/valueset-search-entry-mode.html */
export type EntryMode = 'match' | 'include' | 'outcome';

/** Reads an entry's `search`. What says no mode, or one that FHIR does not have, counts as a match. */
export const saidMode = (search: unknown): EntryMode => {
  const mode = isObject(search) ? search['mode'] : undefined;
  return mode === 'include' || mode === 'outcome' ? mode : 'match';
};
