import { readFile } from 'node:fs/promises';
import { visibleLine } from '../../config/checks/visible.ts';
import { causeOf } from '../../functions/shared/errors.ts';
import { linksInHeader, saidCount, saidLinks, saidMode } from '../../functions/shared/fhir/said.ts';
import { isObject, objectsIn, parseObject, type JsonObject } from '../../functions/shared/json/json-object.ts';
import { readText } from '../../functions/shared/payer/read-text.ts';
import { withoutBom } from '../../functions/shared/plain-text.ts';
import { Refusal } from '../shared/errors.ts';
import { patiently, type AskDeps } from './ask-endpoints.ts';

/** What a directory holds, on all its pages. */
export interface Directory {
  readonly entries: readonly JsonObject[];
  /** Why parts of it may be missing: a sentence for each. */
  readonly leftOut: readonly string[];
}

/** The limit for all pages together. */
const limitBytes = 200 * 1024 * 1024;
/** Even with ten payers on a page, this is more than there are. */
const mostPages = 1000;
const pageMs = 120_000;

type Deps = Pick<AskDeps, 'http' | 'wait'>;

export const isUrl = (from: string): boolean => from.includes('://');

/** Text from the directory, made safe and short enough for a message. */
const shown = (text: string): string => visibleLine(text.slice(0, 300));

interface Page {
  readonly bundle: JsonObject;
  readonly bytes: number;
  readonly linkHeader: string | null;
}

const bundleIn = (text: string): JsonObject | undefined => {
  const found = parseObject(text);
  return found?.['resourceType'] === 'Bundle' ? found : undefined;
};

/** @throws Refusal */
const readPage = async (deps: Deps, url: string, leftBytes: number): Promise<Page> => {
  const answer = await patiently(
    deps,
    async (http) => {
      const response = await http(url, {
        headers: { Accept: 'application/fhir+json, application/json' },
        redirect: 'manual',
        signal: AbortSignal.timeout(pageMs),
      });
      const { status, headers } = response;
      return { status, headers, text: await readText(response, leftBytes) };
    },
    ({ status }) => status === 429 || status === 503,
  ).catch((error: unknown) => {
    throw new Refusal(`${shown(url)} cannot be read (${causeOf(error)})`);
  });
  const { status, headers, text } = answer;
  if (status !== 200) {
    const to = headers.get('location');
    throw new Refusal(
      `${shown(url)} answers ${status}${to === null ? '' : `; give the URL that it leads to: ${shown(to)}`}`,
    );
  }
  if (text === undefined) {
    throw new Refusal(`${shown(url)} makes the directory larger than ${limitBytes / 1024 / 1024} MB`);
  }
  const bundle = bundleIn(text);
  if (bundle === undefined) {
    throw new Refusal(`${shown(url)} is not a FHIR Bundle in JSON; give a User-access Brands Bundle`);
  }
  return { bundle, bytes: Buffer.byteLength(text), linkHeader: headers.get('link') };
};

/** @throws Refusal */
const readBundleFile = async (file: string): Promise<JsonObject> => {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Refusal(`${file} cannot be read (${causeOf(error)})`);
  });
  const bundle = bundleIn(withoutBom(text));
  if (bundle === undefined) throw new Refusal(`${file} is not a FHIR Bundle in JSON; give a User-access Brands Bundle`);
  return bundle;
};

/** The next links of a page, in its Bundle or its `Link` header. */
const nextOf = (bundle: JsonObject, linkHeader: string | null): { next: string[]; isUnreadable: boolean } => {
  const [inBody, inHeader] = [saidLinks(bundle['link']), linksInHeader(linkHeader)];
  const next = [...inBody.next, ...inHeader.next];
  return { next, isUnreadable: next.length === 0 && (inBody.isUnreadable || inHeader.isUnreadable) };
};

/** What identifies an entry: undefined if it has neither a URL nor an id. */
const nameOf = ({ fullUrl, resource }: JsonObject): string | undefined => {
  if (typeof fullUrl === 'string') return fullUrl;
  const { resourceType, id } = isObject(resource) ? resource : {};
  return typeof id === 'string' ? `${String(resourceType)}/${id}` : undefined;
};

/** How many of the entries are matches, which is what a Bundle's total counts. */
const matchesIn = (entries: readonly JsonObject[]): number => {
  const matches = entries.filter(({ search }) => saidMode(search) === 'match').map(nameOf);
  const named = matches.filter((name) => name !== undefined);
  return new Set(named).size + matches.length - named.length;
};

/** What is missing according to the totals on a directory's pages. */
const missingIn = (bundles: readonly JsonObject[], entries: readonly JsonObject[]): string[] => {
  const totals = bundles.map(({ total }) => saidCount(total));
  const most = totals.reduce<number>(
    (largest, total) => (typeof total === 'number' ? Math.max(largest, total) : largest),
    0,
  );
  const came = matchesIn(entries);
  return [
    ...(totals.includes('unreadable') ? ['its total cannot be read'] : []),
    ...(most > came ? [`its total is ${most}, but ${came} came`] : []),
  ];
};

const entriesOf = (bundles: readonly JsonObject[]): JsonObject[] => bundles.flatMap(({ entry }) => objectsIn(entry));

/** Decides which page to read next, and says which ones are not read. @param url of the page @param isRead whether a page was read already */
const follow = (
  url: string,
  { next, isUnreadable }: ReturnType<typeof nextOf>,
  isRead: (url: string) => boolean,
): { readonly following?: string; readonly leftOut: readonly string[] } => {
  if (isUnreadable) return { leftOut: [`${shown(url)} has links that cannot be read; one may lead to a next page`] };
  const { origin } = new URL(url);
  const links = [...new Set(next.map((link) => (link === '' ? link : (URL.parse(link, url)?.href ?? link))))];
  const isHere = (link: string): boolean => {
    const to = URL.parse(link);
    return to?.origin === origin && to.username === '' && to.password === '';
  };
  const elsewhere = links.filter((link) => !isHere(link));
  const here = links.filter(isHere);
  const [following, ...others] = here.filter((link) => !isRead(link));
  return {
    ...(following !== undefined && { following }),
    leftOut: [
      ...elsewhere.map(
        (link) => `its next page ${link === '' ? 'has no URL' : `${shown(link)} is not at ${origin}`}; it was not read`,
      ),
      ...others.map((link) => `${shown(url)} has more than one next page; ${shown(link)} was not read`),
      ...(here.length > 0 && following === undefined
        ? [`${shown(url)} leads back to a page that was read already`]
        : []),
    ],
  };
};

/** The URL without its fragment, since a fragment does not make it another page. */
const pageName = (url: string): string => url.replace(/#.*$/s, '');

/**
 * Reads a directory from a file, or from a URL and the next pages at the same origin.
 * @throws Refusal if the file or the first page cannot be read
 */
export const readDirectory = async (deps: Deps, from: string): Promise<Directory> => {
  if (!isUrl(from)) {
    const bundle = await readBundleFile(from);
    const { next, isUnreadable } = nextOf(bundle, null);
    const isPage = next.length > 0 || isUnreadable;
    const entries = entriesOf([bundle]);
    const more = `it is a page of a directory with more${next[0] ? `, such as ${shown(next[0])}` : ''}; give the URL of the directory`;
    return { entries, leftOut: [...(isPage ? [more] : []), ...missingIn([bundle], entries)] };
  }
  const bundles: JsonObject[] = [];
  const leftOut: string[] = [];
  const read = new Set<string>();
  let leftBytes = limitBytes;
  for (let url: string | undefined = URL.parse(from)?.href ?? from; url !== undefined;) {
    if (bundles.length === mostPages) {
      leftOut.push(`only its first ${mostPages} pages were read; the next is ${shown(url)}`);
      break;
    }
    read.add(pageName(url));
    let page: Page;
    try {
      page = await readPage(deps, url, leftBytes);
    } catch (error) {
      if (bundles.length === 0 || !(error instanceof Refusal)) throw error;
      leftOut.push(`${error.message}; this page and what follows it were not read`);
      break;
    }
    bundles.push(page.bundle);
    leftBytes -= page.bytes;
    const after = follow(url, nextOf(page.bundle, page.linkHeader), (one) => read.has(pageName(one)));
    leftOut.push(...after.leftOut);
    url = after.following;
  }
  const entries = entriesOf(bundles);
  return { entries, leftOut: [...leftOut, ...missingIn(bundles, entries)] };
};
