import { binaryPath, hasEscapedScheme, isAbsolute, matchDecoded, matchSource, undecided } from './base-urls.ts';
import * as json from './json-bytes.ts';
import { linkedKey, maybeBinary } from './link-keys.ts';

/** Bytes of the longest page link that is sealed, JSON's escapes undone. */
export const longestPageLink = 5000;

/** Which links are replaced, and by what. */
export interface LinkReplacements {
  /** The payer's FHIR base URL and its aliases: ASCII, as URLs are on the wire. The longest that fits wins. */
  readonly from: readonly string[];
  /** The gateway's FHIR base URL for this payer. */
  readonly to: string;
  /**
   * Makes of a page's link the one that the partner gets; undefined for a link that is not below the payer's bases, null
   * for one that is too long: both are treated as any other link. Left out where an answer has no pages.
   */
  readonly seal?: ((url: string) => string | undefined | null) | undefined;
}

/** What becomes of a link: its first `raw` bytes in the source are replaced. */
export interface LinkDecision {
  readonly raw: number;
  readonly by: Uint8Array;
}

/** A link that is read byte by byte, across chunks, because it cannot be decided where it stands. */
export interface SlowLink {
  /** Begins another link. */
  readonly reset: () => void;
  /** Reads from `at` and returns where it stopped: at the closing quote, once it is full, or at the end. */
  readonly read: (bytes: Uint8Array, at: number) => number;
  /** Whether it can be decided though its end has not been read. */
  readonly isFull: () => boolean;
  /** A copy of the bytes read so far. */
  readonly bytes: () => Uint8Array;
  /** Decides it, and counts it. @param kind what its key said */
  readonly decide: (kind: number) => LinkDecision;
}

/** Decides about one answer's links. */
export interface LinkDecider {
  /** Longest first, without slashes at their ends. */
  readonly payerBases: readonly string[];
  readonly gatewayBase: Uint8Array;
  readonly sealsPages: boolean;
  /**
   * Decides a link where it stands in the chunk, and counts it: how many of its bytes the gateway's base replaces, or
   * `undecided` where an escape or the chunk's end is in the way.
   */
  readonly decideInPlace: (chunk: Uint8Array, at: number, kind: number) => number;
  readonly link: SlowLink;
  /** A page's link, which is sealed as a whole. */
  readonly page: SlowLink;
  /** How many absolute http(s) links to elsewhere were left unchanged so far. */
  readonly foreignLinks: () => number;
  /** How many page links below the payer's bases were too long to be sealed so far. */
  readonly unsealedLinks: () => number;
}

const withoutSlash = (base: string) => base.replace(/\/+$/, '');

/** A text as it stands between the quotes of a JSON string. */
const jsonBytesOf = (text: string): Uint8Array => json.bytesOf(JSON.stringify(text).slice(1, -1));

/** Makes what decides about one answer's links. */
export const createLinkDecider = ({ from, to, seal }: LinkReplacements): LinkDecider => {
  const payerBases = [...new Set(from.map(withoutSlash))]
    .filter((base) => base !== '')
    .sort((a, b) => b.length - a.length);
  const bases = payerBases.map(json.bytesOf);
  const gatewayBase = jsonBytesOf(withoutSlash(to));
  /** Characters of a link that decide about it: the longest base, `/Binary`, and what follows. */
  const limit = (bases[0]?.length ?? 0) + binaryPath.length + 1;
  const prefix = json.createPrefixReader(limit);
  const page = json.createStringReader(Math.max(longestPageLink, limit));
  /** First bytes that are worth a look: those of the bases, of http(s), of an escape. */
  const interesting = new Uint8Array(256);
  for (const byte of [json.backslashByte, 0x68, 0x48, ...bases.map((base) => base[0]!)]) interesting[byte] = 1;
  let foreignLinks = 0;
  let unsealedLinks = 0;

  /** Decides what the prefix reader has read: the raw length of the base to be replaced, 0 for none. */
  const decidePrefix = (kind: number): number => {
    const matched = matchDecoded(bases, prefix.decoded, prefix.length(), kind === maybeBinary);
    if (matched > 0) return prefix.rawEnd(matched);
    if (kind !== maybeBinary && isAbsolute(prefix.decoded, 0)) foreignLinks++;
    return 0;
  };

  /** The page's link that was read, sealed; null where it is too long, undefined where it is no page of the payer's. */
  const sealPage = (): string | undefined | null => {
    if (page.isTooLong()) return null;
    let url: string;
    try {
      url = JSON.parse(`"${page.text()}"`) as string;
    } catch {
      return undefined; // No JSON.
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
      reset: prefix.reset,
      read: prefix.read,
      isFull: prefix.isFull,
      bytes: () => prefix.rawFrom(0),
      decide: (kind) => ({ raw: decidePrefix(kind), by: gatewayBase }),
    },
    page: {
      reset: page.reset,
      read: page.read,
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
