import { binaryPath, hasEscapedScheme, isAbsolute, matchDecoded, matchSource, undecided } from './base-urls.ts';
import * as json from './json-bytes.ts';
import { linkedKey, maybeBinary } from './link-keys.ts';

/** The longest page link that is sealed, in bytes after unescaping. */
export const longestPageLink = 5000;

/** Which links to replace, and with what. */
export interface LinkReplacements {
  /** The payer's FHIR base URL and its aliases: ASCII, as URLs are on the wire. The longest match wins. */
  readonly from: readonly string[];
  /** The gateway's FHIR base URL for this payer. */
  readonly to: string;
  /**
   * Turns a page's link into the one that the partner gets. Returns undefined for a link that is not below the payer's
   * bases and null for one that is too long; both are then handled like other links. Omitted if the answer has no pages.
   */
  readonly seal?: ((url: string) => string | undefined | null) | undefined;
}

/** The decision on a link: its first `raw` bytes in the source are replaced. */
interface LinkDecision {
  readonly raw: number;
  readonly by: Uint8Array;
}

/** A link that is read byte by byte, across chunks, because it cannot be decided in place. */
export interface SlowLink {
  /** Starts the next link. */
  readonly reset: () => void;
  /** Reads from `at` and returns where it stopped: at the closing quote, when full, or at the chunk's end. */
  readonly read: (bytes: Uint8Array, at: number) => number;
  /** Whether it can be decided before its end is read. */
  readonly isFull: () => boolean;
  /** A copy of the bytes read so far. */
  readonly bytes: () => Uint8Array;
  /** Decides and counts it. @param kind the kind of its key */
  readonly decide: (kind: number) => LinkDecision;
}

/** Decides the links of one answer. */
export interface LinkDecider {
  /** Longest first, without trailing slashes. */
  readonly payerBases: readonly string[];
  readonly gatewayBase: Uint8Array;
  readonly sealsPages: boolean;
  /**
   * Decides a link in place and counts it. Returns how many of its bytes the gateway's base replaces, or `undecided` if
   * an escape or the chunk's end prevents a decision.
   */
  readonly decideInPlace: (chunk: Uint8Array, at: number, kind: number) => number;
  readonly link: SlowLink;
  /** A page's link, which is sealed whole. */
  readonly page: SlowLink;
  /** How many absolute http(s) links to elsewhere were left unchanged so far. */
  readonly foreignLinks: () => number;
  /** How many page links below the payer's bases were too long to be sealed so far. */
  readonly unsealedLinks: () => number;
}

const withoutSlash = (base: string) => base.replace(/\/+$/, '');

/** Escapes a text for a JSON string, without the quotes. */
const jsonBytesOf = (text: string): Uint8Array => json.bytesOf(JSON.stringify(text).slice(1, -1));

/** Makes the decider for one answer. */
export const createLinkDecider = ({ from, to, seal }: LinkReplacements): LinkDecider => {
  const payerBases = [...new Set(from.map(withoutSlash))]
    .filter((base) => base !== '')
    .sort((a, b) => b.length - a.length);
  const bases = payerBases.map(json.bytesOf);
  const gatewayBase = jsonBytesOf(withoutSlash(to));
  /** How many characters decide a link: the longest base, `/Binary`, and one more. */
  const limit = (bases[0]?.length ?? 0) + binaryPath.length + 1;
  const prefix = json.createPrefixReader(limit);
  const page = json.createStringReader(Math.max(longestPageLink, limit));
  /** First bytes worth checking: of a base, of http(s), of an escape. */
  const interesting = new Uint8Array(256);
  for (const byte of [json.backslashByte, 0x68, 0x48, ...bases.map((base) => base[0]!)]) interesting[byte] = 1;
  let foreignLinks = 0;
  let unsealedLinks = 0;

  /** Decides what the prefix reader has read. Returns the raw length of the base to replace, 0 for none. */
  const decidePrefix = (kind: number): number => {
    const matched = matchDecoded(bases, prefix.decoded, prefix.length(), kind === maybeBinary);
    if (matched > 0) return prefix.rawEnd(matched);
    if (kind !== maybeBinary && isAbsolute(prefix.decoded, 0)) foreignLinks++;
    return 0;
  };

  /** Seals the page's link that was read. Null if it is too long, undefined if it is not a page of the payer's. */
  const sealPage = (): string | undefined | null => {
    if (page.isTooLong()) return null;
    let url: string;
    try {
      url = JSON.parse(`"${page.text()}"`) as string;
    } catch {
      return undefined; // Not JSON.
    }
    return Buffer.byteLength(url) > longestPageLink ? null : seal!(url);
  };

  return {
    payerBases,
    gatewayBase,
    sealsPages: seal !== undefined,
    decideInPlace(chunk, at, kind) {
      if (at + limit >= chunk.length) return undecided;
      if (interesting[chunk[at]!] === 0) return 0;
      const matched = matchSource(bases, chunk, at, kind === maybeBinary);
      if (matched !== 0) return matched;
      if (hasEscapedScheme(chunk, at)) return undecided;
      if (kind === linkedKey && isAbsolute(chunk, at)) foreignLinks++;
      return 0;
    },
    link: {
      reset: () => prefix.reset(),
      read: (bytes, at) => prefix.read(bytes, at),
      isFull: prefix.isFull,
      bytes: () => prefix.rawFrom(0),
      decide: (kind) => ({ raw: decidePrefix(kind), by: gatewayBase }),
    },
    page: {
      reset: () => page.reset(),
      read: (bytes, at) => page.read(bytes, at),
      isFull: page.isTooLong,
      bytes: () => Buffer.from(page.raw()),
      decide(kind) {
        const sealed = sealPage();
        if (typeof sealed === 'string') return { raw: page.raw().length, by: jsonBytesOf(sealed) };
        prefix.reset();
        prefix.read(page.raw(), 0);
        const raw = decidePrefix(kind);
        if (sealed === null && (raw > 0 || !isAbsolute(prefix.decoded, 0))) unsealedLinks++;
        return { raw, by: gatewayBase };
      },
    },
    foreignLinks: () => foreignLinks,
    unsealedLinks: () => unsealedLinks,
  };
};
