import { jsonDocument } from '../../functions/fetch/json-document.ts';
import { createLinkRewriter } from '../../functions/shared/fhir/rewrite-links.ts';
import { UnusableAnswer } from '../../functions/shared/payer/decode-body.ts';
import { rewriteSlowly, type OracleResult } from '../functions/shared/fhir/link-oracle.ts';
import { randomOf } from '../support/random.ts';
import { words } from '../support/words.ts';

/*
 * Small JSON documents, each from a number. A hundred thousand of them, whole and cut at every byte, take a minute or
 * two.
 */

const from = ['http://p.example/r4', 'http://p.example/r4/t', 'https://q/f'];
const to = 'https://g.example/r4/p';

/** Fake page links, which contain the whole link, so that a test can see what was sealed. One of them is too long. */
const pages = {
  restOf: (url: string) =>
    url.endsWith('/Patient/1') || /^(?:http:\/\/p\.example(?::80)?\/r4|\?|\/)/.test(url) ? url : undefined,
  seal: (rest: string) => (rest.endsWith('/Patient/1') ? null : `${to}?_link="${Buffer.from(rest).toString('hex')}`),
};

/** What the slow parser writes in place of a page's link. */
const seal = (url: string): string | undefined | null => {
  const rest = pages.restOf(url);
  return rest === undefined ? undefined : pages.seal(rest);
};

/** A sequence of pseudo-random numbers below a bound (mulberry32). */
export const numbersFrom = (start: number): ((bound: number) => number) => {
  const random = randomOf(start);
  return (bound) => (random() * 4_294_967_296) % bound;
};

const keys = [
  ...words(
    'url link fullUrl location response request reference relation relation id ur links Url href rel self next nextPage next-page Link extension identifier',
  ),
  '',
  ...words(`a"b é \\ reference\\`),
  '\u{1f600}',
];
const rests = [
  '',
  ...words(`/ /Patient/1 ?a=b /Binary/1 /Binary /BinaryX x #a %2f /t/Binary?x /é " \\ /"reference":"`),
  '\n',
];
const strings = [
  ...words('self next selfs ?page=é'),
  '',
  ...words(`
    http://p.example:80/r4 //p.example/r4?a reference url "url":" \\ \\" http://other.example/x HTTPS://o/x http:/x Patient/1 urn:uuid:1 é
  `),
  '\u{1f600}',
  ...words(`\u0000 ":{ \\u0022 /`),
];
const scalars = ['1.00', '0', '-1e5', 'true', 'false', 'null', '1E+2'];
const spaces = ['', '', '', ' ', '\n', '\t\r\n '];

type Next = (bound: number) => number;
const pick = <T>(next: Next, all: readonly T[]): T => all[next(all.length)]!;

/** A string as JSON, with some characters escaped in one of the possible ways. */
const spelled = (next: Next, text: string): string => {
  const rate = pick(next, [0, 0, 0, 2, 8, 30]);
  const inner = [
    ...JSON.stringify(text)
      .slice(1, -1)
      .matchAll(/\\u....|\\.|[^]/g),
  ].map(([unit]) => {
    if (unit.length > 1 || rate === 0 || next(32) >= rate) return unit;
    if (unit === '/' && next(2) === 0) return '\\/';
    const hex = unit.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${next(2) === 0 ? hex : hex.toUpperCase()}`;
  });
  return `"${inner.join('')}"`;
};

const value = (next: Next, depth: number): string => {
  const space = (): string => pick(next, spaces);
  const kind = next(depth > 3 ? 5 : 9);
  if (kind < 3) return spelled(next, pick(next, from) + pick(next, rests));
  if (kind === 3) return spelled(next, pick(next, strings));
  if (kind === 4) return pick(next, scalars);
  const count = next(3);
  const members = Array.from({ length: count }, () =>
    kind === 5
      ? `${space()}${value(next, depth + 1)}${space()}`
      : `${space()}${spelled(next, pick(next, keys))}${space()}:${space()}${value(next, depth + 1)}${space()}`,
  ).join(',');
  return kind === 5 ? `[${members}]` : `{${members || space()}}`;
};

/** Generates the document for a seed: an object or an array. */
const documentOf = (number: number): string => {
  const next = numbersFrom(number);
  const members = Array.from({ length: 1 + next(2) }, () => `${spelled(next, pick(next, keys))}:${value(next, 1)}`);
  return pick(next, [`{${members.join(',')}}`, `[${value(next, 1)}]`, ` {${members.join(' , ')}}\n`]);
};

/** Passes chunks through a rewriter that checks their end, and returns how the result differs from the expected one. */
const differs = (
  chunks: readonly Uint8Array[],
  expected: Buffer,
  [foreignLinks, unsealedLinks]: readonly [number, number],
): string | undefined => {
  const document = jsonDocument();
  const rewriter = createLinkRewriter({ from, to, pages }, document.watch);
  const out: Uint8Array[] = [];
  for (const chunk of chunks) for (const piece of rewriter.push(chunk)) out.push(piece);
  document.end();
  for (const piece of rewriter.end()) out.push(piece);
  const whole = out.length === 1 && out[0] !== undefined ? out[0] : Buffer.concat(out);
  if (!expected.equals(whole)) return Buffer.from(whole).toString();
  if (rewriter.foreignLinks === foreignLinks && rewriter.unsealedLinks === unsealedLinks) return undefined;
  return `foreign, unsealed: ${rewriter.foreignLinks},${rewriter.unsealedLinks}`;
};

/** As many copies of a document as it has bytes, in an array, each cut at a different byte. */
const cutEverywhere = (bytes: Buffer): Buffer[] => {
  const copies = Buffer.concat([
    Buffer.from('['),
    ...Array.from({ length: bytes.length }, (_none, at) =>
      Buffer.concat([bytes, Buffer.from(at + 1 < bytes.length ? ',' : ']')]),
    ),
  ]);
  const ends = Array.from({ length: bytes.length }, (_none, at) => 1 + at * (bytes.length + 1) + at);
  return [0, ...ends].map((start, index) => copies.subarray(start, ends[index] ?? copies.length));
};

/** Whether an answer is found to be cut off. */
const isFoundCutOff = (bytes: Buffer): boolean => {
  const document = jsonDocument();
  createLinkRewriter({ from, to, pages }, document.watch).push(bytes);
  try {
    document.end();
  } catch (error) {
    return error instanceof UnusableAnswer && error.code === 'INCOMPLETE_JSON';
  }
  return false;
};

/** Compares the rewriter with the slow parser: the document whole, in single bytes, and cut in two at every byte. */
export const judgeDocument = (number: number): { readonly cuts: number } => {
  const text = documentOf(number);
  const slow = rewriteSlowly(text, from, to, seal);
  const bytes = Buffer.from(text);
  const hold = (
    chunks: readonly Uint8Array[],
    how: string | number,
    wanted: Buffer,
    one: OracleResult,
    times = 1,
  ): void => {
    const other = differs(chunks, wanted, [one.foreignLinks * times, one.unsealedLinks * times]);
    if (other !== undefined) throw new Error(`cut: ${how}\n${text}\nexpected ${wanted.toString()}\nbut      ${other}`);
  };
  const whole = Buffer.from(slow.text);
  const singles = Array.from(bytes, (_byte, at) => bytes.subarray(at, at + 1));
  // In an array, so a `link` is not the answer's own, and is not sealed.
  const inArray = rewriteSlowly(`[${text}]`, from, to, seal);
  if (!isFoundCutOff(Buffer.from(text.trimEnd().slice(0, -1)))) throw new Error(`not found cut off\n${text}`);
  hold([bytes], 'nowhere', whole, slow);
  hold(singles, 'byte by byte', whole, slow);
  // One rewriter for all cuts, since creating one costs more than running it on so small a document.
  const copies = Array.from(bytes, () => inArray.text.slice(1, -1)).join(',');
  hold(cutEverywhere(bytes), 'at every byte', Buffer.from(`[${copies}]`), inArray, bytes.length);
  if (inArray.text !== `[${slow.text}]`) {
    for (const at of bytes.keys()) hold([bytes.subarray(0, at), bytes.subarray(at)], at, whole, slow);
  }
  return { cuts: bytes.length };
};

/** Compares the rewriter with the slow parser on one long document, in chunks of this many bytes. */
export const judgeLongDocument = (chunkBytes: number): void => {
  const text = `[${Array.from({ length: 600 }, (_none, number) => documentOf(number)).join(',')}]`;
  const slow = rewriteSlowly(text, from, to, seal);
  const bytes = Buffer.from(text);
  const count = Math.ceil(bytes.length / chunkBytes);
  const chunks = Array.from({ length: count }, (_none, at) => bytes.subarray(at * chunkBytes, (at + 1) * chunkBytes));
  const other = differs(chunks, Buffer.from(slow.text), [slow.foreignLinks, slow.unsealedLinks]);
  if (other !== undefined) throw new Error(`in chunks of ${chunkBytes}: ${other}`);
};
