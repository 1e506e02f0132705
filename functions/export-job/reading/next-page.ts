import { longestReadingSeconds } from '../../shared/exports/longest-export.ts';
import { isLastPage, type Places } from '../../shared/fhir/last-page.ts';
import { linkResolver } from '../../shared/fhir/page-link.ts';

/**
 * What follows a page. `rest` is the next page's path and query below the payer's base; `others` are those of further next links.
 * @property elsewhere why a further next link is not followed
 */
export type NextPage =
  | { readonly rest: string; readonly others?: readonly string[]; readonly elsewhere?: ElsewhereReason }
  | { readonly end: 'last' }
  /** The next link leads to a page that was already read. */
  | { readonly end: 'loop' }
  /** Too many pages in a row had nothing new. */
  | { readonly end: 'nothingNew' }
  /** The next link is not followed. */
  | { readonly end: 'elsewhere'; readonly why: ElsewhereReason }
  /** There is a next link, but it has no URL. */
  | { readonly end: 'withoutUrl' };

/**
 * Why a next link is not followed: it leads to another server, or to the payer's own outside its bases; it is no URL; or it
 * is not plainly about the member.
 */
export type ElsewhereReason = 'server' | 'path' | 'form' | 'patient';

export interface NextPageQuestion {
  /** The URLs of the page's `next` links, as in PageInfo. */
  readonly next: readonly string[];
  /** The URL that was requested. */
  readonly requestUrl: string;
  /** The payer's bases, without trailing slashes. */
  readonly bases: readonly string[];
  /** Whether a page of the same search was already read. @param rest as in {@link NextPage} */
  readonly wasRead: (rest: string) => boolean;
}

const whyElsewhere = ({ requestUrl, bases }: NextPageQuestion, link: string): ElsewhereReason => {
  if (link === '' || !URL.canParse(link, requestUrl)) return 'form';
  const { origin } = new URL(link, requestUrl);
  return bases.some((base) => new URL(base).origin === origin) ? 'path' : 'server';
};

/** The same for each spelling of a URL's characters. */
const spelledAlike = (rest: string): string => new URL(`https://payer.invalid${rest}`).href;

/** Decides which page to read next. It must be below the payer's own bases, and no page is read twice. */
export const nextPage = (question: NextPageQuestion): NextPage => {
  const { next, requestUrl, bases, wasRead } = question;
  if (next.length === 0) return { end: 'last' };
  if (next.every((url) => url === '')) return { end: 'withoutUrl' };
  const restOf = linkResolver(requestUrl, bases);
  const rests = next.map(restOf);
  const unfollowed = next.find((url, at) => url !== '' && rests[at] === undefined);
  const elsewhere = unfollowed === undefined ? undefined : whyElsewhere(question, unfollowed);
  const [rest, ...others] = rests.filter((found) => found !== undefined).filter((found) => !wasRead(found));
  if (rest === undefined) return elsewhere === undefined ? { end: 'loop' } : { end: 'elsewhere', why: elsewhere };
  const known = new Set([spelledAlike(rest)]);
  const beside = others.filter((found) => known.size < known.add(spelledAlike(found)).size);
  return { rest, ...(beside.length > 0 && { others: beside }), ...(elsewhere && { elsewhere }) };
};

/**
 * Whether the page that a payer calls the last of a search has been read, or is the one that says so.
 * @param url of the page that says so
 */
export const isLastRead = (
  places: Places,
  { url, bases, wasRead }: Pick<NextPageQuestion, 'bases' | 'wasRead'> & { readonly url: string },
): boolean => {
  const rest = places.last === undefined ? undefined : linkResolver(url, bases)(places.last);
  return (rest !== undefined && wasRead(rest)) || isLastPage(places, url);
};

/** How much an export has read so far. */
export interface ReadingProgress {
  readonly pages: number;
  readonly resources: number;
  /** Bytes of NDJSON. */
  readonly bytes: number;
  /** Resources that were requested because the record refers to them. */
  readonly references: number;
  /** Seconds since the kick-off. */
  readonly seconds: number;
}

export type Bound = keyof ReadingProgress;

/** The limits of an export: larger than any member's record that we know of, and small enough that it ends. */
export const bounds: ReadingProgress = {
  pages: 100_000,
  resources: 1_000_000,
  bytes: 10_000_000_000,
  references: 100_000,
  seconds: longestReadingSeconds,
};

/** Those of an exchange, which has the records of a thousand members. */
export const exchangeBounds: ReadingProgress = { ...bounds, resources: 100_000_000, bytes: 200_000_000_000 };

/** The bound that an export has reached; undefined if it may go on. */
export const reachedBound = (progress: ReadingProgress, limits: ReadingProgress = bounds): Bound | undefined =>
  (['pages', 'resources', 'bytes', 'references', 'seconds'] as const).find((bound) => progress[bound] >= limits[bound]);

/** The totals of a search: the first that a page gave, and that of its last page. */
export interface Totals {
  readonly first: number | undefined;
  readonly last: number | undefined;
  /** The resources that matched, on all pages, each counted once. */
  readonly read: number;
}

/**
 * Compares a search's totals with what came. `short`: fewer resources came than the last total says, or the first if it is
 * the only one. `shrank`: fewer came than the first total, but the last total is lower. Undefined if nothing seems to be
 * missing.
 */
export const missingFromTotal = ({ first, last, read }: Totals): 'shrank' | 'short' | undefined => {
  const now = last ?? first;
  if (now !== undefined && read < now) return 'short';
  return first !== undefined && read < first ? 'shrank' : undefined;
};
