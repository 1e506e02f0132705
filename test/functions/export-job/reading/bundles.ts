import type { PageResource, SkippedResource } from '../../../../functions/export-job/reading/page-resource.ts';
import {
  createBundleSplitter,
  makePageRoom,
  type BundleSplitter,
  type PageBounds,
  type PageInfo,
} from '../../../../functions/export-job/reading/split-bundle.ts';
import { splitLines } from '../../../../functions/export-job/reading/split-lines.ts';
import { numbersFrom } from '../../../fuzz/json-documents.ts';

/** A splitter's output for one answer. */
export interface Answer {
  readonly items: readonly (PageResource | SkippedResource)[];
  readonly info: PageInfo;
}

type Item = Answer['items'][number];

/** Where a copy of each resource is collected. */
export interface Collected {
  readonly splitter: BundleSplitter;
  readonly items: Item[];
}

const usualRoom = makePageRoom();

const kept = (item: Item): Item => (item.skipped === undefined ? { ...item, line: Buffer.from(item.line) } : item);

const roomOf = (mostBytes: number | undefined) => (mostBytes === undefined ? usualRoom : makePageRoom(mostBytes));

/** Cuts bytes at these offsets, or at offsets that are as far beyond the end. */
const cutAt = (bytes: Buffer, cuts: readonly number[]): readonly Buffer[] => {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return places.slice(1).map((to, index) => bytes.subarray(places[index], to));
};

/** A splitter of an answer, and the resources that it has found so far. @param mostBytes of a resource */
export const collecting = (of: 'search' | 'read' = 'search', mostBytes?: number, bounds?: PageBounds): Collected => {
  const items: Item[] = [];
  const room = roomOf(mostBytes);
  const take = (item: Item): void => void items.push(kept(item));
  return { splitter: createBundleSplitter({ of, room, take, ...(bounds && { bounds }) }), items };
};

/** Splits bytes that arrive in chunks, cut at these offsets. */
export const split = (
  bytes: string | Buffer,
  {
    of = 'search',
    cuts = [],
    mostBytes,
    bounds,
  }: { of?: 'search' | 'read'; cuts?: readonly number[]; mostBytes?: number; bounds?: PageBounds } = {},
): Answer => {
  const { splitter, items } = collecting(of, mostBytes, bounds);
  for (const piece of cutAt(Buffer.from(bytes), cuts)) splitter.push(piece);
  return { items, info: splitter.end() };
};

/** What is on the lines of a file that arrives in chunks, cut at these offsets. */
export const splitFile = (
  lines: readonly string[],
  { cuts = [], mostBytes }: { cuts?: readonly number[]; mostBytes?: number } = {},
): Answer['items'] => {
  const items: Item[] = [];
  const splitter = splitLines(
    roomOf(mostBytes),
    (item) => void items.push(kept(item)),
    () => undefined,
  );
  for (const piece of cutAt(Buffer.from(lines.map((line) => `${line}\n`).join('')), cuts)) splitter.push(piece);
  splitter.end();
  return items;
};

export const linesOf = ({ items }: Answer): string[] =>
  items.map((item) => (item.skipped === undefined ? item.line.toString('utf8') : item.skipped));

/** A Bundle of resources, each given as its JSON. */
export const bundleOf = (resources: readonly string[], rest = ''): string =>
  `{"resourceType":"Bundle","type":"searchset"${rest},"entry":[${resources.map((json) => `{"resource":${json}}`).join(',')}]}`;

/** The JSON tokens of a value, in one of the many spellings that JSON allows. */
const tokensOf = (value: unknown, random: (below: number) => number): string[] => {
  if (typeof value === 'string') {
    const odd = Array.from(value, (c) =>
      c.length === 1 && random(4) === 0
        ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
        : JSON.stringify(c).slice(1, -1),
    );
    return [random(3) === 0 ? `"${odd.join('')}"` : JSON.stringify(value)];
  }
  if (typeof value === 'number' && Number.isInteger(value) && random(2) === 0 && Math.abs(value) < 1e15) {
    return [`${Object.is(value, -0) ? '-0' : value}.00`];
  }
  if (typeof value !== 'object' || value === null) return [JSON.stringify(value)];
  const isList = Array.isArray(value);
  const tokens = [isList ? '[' : '{'];
  for (const [key, item] of Object.entries(value)) {
    if (tokens.length > 1) tokens.push(',');
    if (!isList) tokens.push(...tokensOf(key, random), ':');
    tokens.push(...tokensOf(item, random));
  }
  return [...tokens, isList ? ']' : '}'];
};

/** A value in one random spelling, without and with white space between its tokens. */
export const spell = (value: unknown, seed: number): { readonly compact: string; readonly spaced: string } => {
  const random = numbersFrom(seed);
  const spaces = ['', '', '', ' ', '\n', '\r\n\t ', '  '];
  const tokens = tokensOf(value, random);
  return {
    compact: tokens.join(''),
    spaced: tokens.map((token) => spaces[random(spaces.length)]! + token).join('') + spaces[random(spaces.length)]!,
  };
};

/** A resource as it is read from a page. */
export const pageResource = (resource: Readonly<Record<string, unknown>>): PageResource => {
  const [item] = split(JSON.stringify(resource), { of: 'read' }).items;
  if (item === undefined || item.skipped !== undefined) throw new Error('no resource');
  return item;
};
