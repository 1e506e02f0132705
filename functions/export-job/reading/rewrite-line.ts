import { createLinkRewriter } from '../../shared/fhir/rewrite-links.ts';
import { backslashByte } from '../../shared/json/bytes.ts';
import { namesOf } from '../../shared/json/names.ts';
import { decodeBeginning } from '../../shared/json/spelling.ts';
import { readTokens } from '../../shared/json/tokens.ts';
import { eachBase, isAt, spellings, type AnswerBases } from '../../shared/registry/fhir-bases.ts';
import { binaryAt, neverFetched, relativeBinary } from './binary-urls.ts';
import { eachText } from './each-text.ts';
import type { PageResource } from './page-resource.ts';
import { placeAtPayer, type Place } from './place-at-payer.ts';

/** The payer's bases, and the facade's base that replaces them. */
export interface LineBases extends AnswerBases {
  readonly facade: string;
}

const lineEnd = Buffer.from('\n');

/** How many bytes of a line are rewritten at a time, so that memory never holds a large line twice. */
const pieceBytes = 64 * 1024;

const urls = namesOf({ url: 1 });

/** How many characters of a URL show whether it is one. */
const beginning = '/Binary/.'.length;

/** How many bytes they take, each spelled as `\u0042`. */
const beginningBytes = beginning * 6;

/** The URLs of attachments' files, by the URLs in the resource. */
export type FileUrls = ReadonlyMap<string, string>;

/** A string of JSON, between its quotes. */
const spelled = (line: Buffer, at: number, end: number): string =>
  JSON.parse(`"${line.toString('utf8', at, end)}"`) as string;

/**
 * Replaces the URL of each attachment that was fetched with the URL of its file. Every other relative link to a Binary is made
 * absolute with the base of Binaries, because an NDJSON file has no base URL.
 */
const withFilesAndBinaries = function* (line: Buffer, binaries: string, files: FileUrls): Generator<Buffer> {
  const tokens = readTokens(urls);
  const longest = 6 * [...files.keys()].reduce((most, url) => Math.max(most, url.length), 0);
  const places: { readonly at: number; readonly put: string; readonly goOn: number }[] = [];
  eachText(tokens, line, (at, end) => {
    if (tokens.name === 0) return;
    const file = end - at <= longest ? files.get(spelled(line, at, end)) : undefined;
    if (file !== undefined) {
      places.push({ at, put: file, goOn: end });
      return;
    }
    const { text } = decodeBeginning(line.toString('latin1', at, Math.min(end, at + beginningBytes)), beginning);
    if (relativeBinary.test(text)) places.push({ at, put: text.startsWith('/') ? binaries : `${binaries}/`, goOn: at });
  });
  let from = 0;
  for (const { at, put, goOn } of places) {
    yield line.subarray(from, at);
    yield Buffer.from(put);
    from = goOn;
  }
  yield line.subarray(from);
};

const noFiles: FileUrls = new Map();

/** Adds where relative URLs of Binaries lead that are written otherwise than `Binary/…`, such as `/fhir/Binary/…`. */
const withOddBinaries = (
  attachments: readonly string[],
  files: FileUrls,
  answer: AnswerBases,
  facade: string,
): FileUrls => {
  const restOf = (url: string): string => (placeAtPayer(url, answer) as Place).rest;
  const isOdd = (url: string): boolean => isOddRelative(url) && binaryAt(url, answer) !== undefined;
  const odd = attachments.filter((url) => !files.has(url) && isOdd(url) && restOf(url) !== '/Binary');
  if (odd.length === 0) return files;
  return new Map([...files, ...odd.map((url) => [url, facade + restOf(url)] as const)]);
};

/**
 * Makes a check for lines that may have a link to one of these bases, in any letter case. Most have none: their references are
 * relative, and reading their tokens would take much longer.
 */
const maybeLinked = (bases: readonly string[]): ((line: Buffer) => boolean) => {
  const all = bases.map((base) => base.replace(/\/+$/, '').replaceAll(/\W/g, String.raw`\$&`));
  const anyBase = new RegExp(all.join('|'), 'i');
  return (line) => line.length > pieceBytes || line.includes(backslashByte) || anyBase.test(line.toString('latin1'));
};

/**
 * Makes the rewriter of one page's lines. It replaces the payer's bases in links with the facade's base, as the fetch
 * route does, makes relative links to Binaries absolute, puts the URLs of attachments' files, and returns a line with its
 * line break, in pieces. Each page gets a new rewriter, so that a malformed page cannot affect another.
 */
export const createLineRewriter = ({
  facade,
  ...answer
}: LineBases): ((resource: Pick<PageResource, 'line' | 'attachments'>, files?: FileUrls) => Iterable<Uint8Array>) => {
  const rewriter = createLinkRewriter({ from: eachBase(answer), to: facade });
  const binaries = isAt(answer, 'Binary') ? facade : answer.bases[0]!;
  const mayBeLinked = maybeLinked(spellings(answer));
  const rewrite = function* (parts: Iterable<Buffer>): Generator<Uint8Array> {
    for (const part of parts) {
      for (let at = 0; at < part.length; at += pieceBytes) yield* rewriter.push(part.subarray(at, at + pieceBytes));
    }
    // A line is a whole document, so the rewriter holds nothing back.
    yield lineEnd;
  };
  return ({ line, attachments }, given = noFiles) => {
    const files = withOddBinaries(attachments, given, answer, facade);
    const isChanged = files.size > 0 || attachments.some((url) => relativeBinary.test(url));
    if (isChanged) return rewrite(withFilesAndBinaries(line, binaries, files));
    return mayBeLinked(line) ? rewrite([line]) : [line, lineEnd];
  };
};

const isOddRelative = (url: string): boolean => !relativeBinary.test(url) && !/^[a-z][a-z0-9+.-]*:|^#|^$/i.test(url);

/**
 * How many attachments have URLs that are not below the facade once the line is rewritten. The gateway does not serve them, and a
 * client must not send its token there.
 */
export const unservedAttachments = ({ attachments }: Pick<PageResource, 'attachments'>, answer: AnswerBases): number =>
  attachments.filter((url) => !neverFetched.test(url) && binaryAt(url, answer) === undefined).length;
