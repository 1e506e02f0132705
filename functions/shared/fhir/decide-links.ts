import { decodeBeginning, type Decoded } from '../json/spelling.ts';
import { isAt, type FhirBase } from '../registry/fhir-bases.ts';
import { mostSlashes, originLength } from './base-url-prefix.ts';
import { anyLink, binaryLink, hostLink, pageLink, selfLink } from './find-links.ts';

/** The parameter that carries a sealed link. */
export const linkParameter = '_link';

/** Stands for a link to a page that cannot be passed on. Whoever follows it is told so. No sealed link is as short. */
export const lostPage = 'unavailable';

/** The longest page link that is sealed, in bytes after unescaping. */
export const longestPageLink = 5000;

/** What becomes of the links to an answer's pages. */
export interface PageLinks {
  /** What follows the payer's base. Undefined for a link that is not below the payer's bases, which is handled like other links. */
  readonly restOf: (url: string) => string | undefined;
  /**
   * The link that the partner gets in place of one with this rest. Null if that is too long: it is handled like other links, and if its
   * base is not written as one of `from`, one that says so stands in its place.
   */
  readonly seal: (rest: string) => string | null;
}

/** Which links to replace, and with what. */
export interface LinkReplacements {
  /**
   * The payer's FHIR base URL and its aliases: ASCII, as URLs are on the wire. The longest match wins. Of a payer with several
   * bases, only links to a type that is at the base are replaced, since the gateway asks for it there.
   */
  readonly from: readonly (string | FhirBase)[];
  /** The gateway's FHIR base URL for this payer. */
  readonly to: string;
  /** Omitted if the answer has no pages. */
  readonly pages?: PageLinks | undefined;
}

/** The first `length` characters of a link's spelling are replaced. A character is a byte (latin1). */
export interface Replacement {
  readonly length: number;
  readonly by: string;
  /** It replaces the whole link. Any part that arrives later is dropped. */
  readonly isAll?: true;
}

/** Decides the links of one answer. */
export interface LinkDecider {
  readonly gatewayBase: string;
  /**
   * Decides a link without escapes that is not sealed, and counts it. It begins at `at`, and its quote follows it. Returns how
   * many of its characters the gateway's base replaces: 0 if it stays as it is.
   */
  readonly decidePlain: (type: number, characters: string, at: number) => number;
  /** How many characters decide a link of this type. */
  readonly charactersFor: (type: number) => number;
  /**
   * Decides any link, and counts it. Undefined if it stays as it is.
   * @param spelling what is between its quotes, or at least the characters that decide it
   */
  readonly decide: (type: number, spelling: string, isWhole: boolean) => Replacement | undefined;
  /** How many absolute http(s) links to elsewhere were left unchanged so far. */
  readonly foreignLinks: () => number;
  /** How many page links below the payer's bases were too long to be sealed so far. */
  readonly unsealedLinks: () => number;
}

const withoutSlash = (base: string) => base.replace(/\/+$/, '');

const utf8 = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('utf8');

/** Spells a text for a JSON string, without the quotes. */
const spell = (text: string): string => Buffer.from(JSON.stringify(text).slice(1, -1)).toString('latin1');

const literally = (text: string): string => text.replace(/[^\w:/-]/g, String.raw`\$&`);

/** Scheme and host in any letter case, the rest as it is. */
const baseInAnyCase = (base: string): string => {
  const end = originLength(base);
  const anyCase = (letter: string): string => `[${letter.toLowerCase()}${letter.toUpperCase()}]`;
  return literally(base.slice(0, end)).replaceAll(/[a-z]/gi, anyCase) + literally(base.slice(end));
};

/** A spelling of a base, and the limits of what is at it. */
type Spelled = readonly [base: string, limits: Pick<FhirBase, 'only' | 'except'>];

const spelledOf = (from: LinkReplacements['from']): Spelled[] => {
  const all = from.flatMap((one): Spelled[] => {
    if (typeof one === 'string') return [[withoutSlash(one), {}]];
    const { bases, ...limits } = one;
    return bases.map((base) => [withoutSlash(base), limits]);
  });
  return [...new Map(all)].filter(([base]) => base !== '').sort(([a], [b]) => b.length - a.length);
};

/** Matches one of the bases, the longest first, if its pattern follows. Slashes at the end of a base are part of it. */
const baseBefore = (bases: readonly Spelled[], patternOf: (limits: Spelled[1]) => string): RegExp => {
  const all = bases.map(
    ([base, limits]) =>
      `${baseInAnyCase(base)}(?:/{1,${mostSlashes - 1}}(?=/[A-Z])|(?!/{2,${mostSlashes}}[A-Z]))(?=${patternOf(limits)})`,
  );
  return new RegExp(all.length === 0 ? '(?!)' : `(?:${all.join('|')})`, 'y');
};

/** What follows a base in a link to what is at it. */
const ownPattern = ({ only, except }: Spelled[1]): string => {
  if (only !== undefined) return `/(?:Patient|${only.join('|')})[/?"]`;
  return except === undefined ? '[/?"]' : `(?!/(?:${except.join('|')})(?![A-Za-z]))[/?"]`;
};

/** The length of a match at `at`; 0 if there is none. */
const matchAt = (pattern: RegExp, characters: string, at: number): number => {
  pattern.lastIndex = at;
  return pattern.test(characters) ? pattern.lastIndex - at : 0;
};

const absolute = /https?:\/\//iy;

/** How a URL begins that has a host, or that a client takes for one. */
const withHost = /^[\0- ]*(?:https?:|[/\\]{2})/i;

/** A link as it is spelled, and its beginning as it is decoded: once, if anything asks for it. */
interface Link {
  readonly spelling: string;
  readonly isWhole: boolean;
  readonly beginning: () => Decoded;
}

const linkOf = (spelling: string, isWhole: boolean, most: number): Link => {
  let decoded: Decoded | undefined;
  return { spelling, isWhole, beginning: () => (decoded ??= decodeBeginning(spelling, most)) };
};

const isNoPage = (type: number): boolean => type === anyLink || type === binaryLink;

/** What recognizes the links to a payer. */
interface LinkPatterns {
  readonly below: RegExp;
  readonly belowBinary: RegExp;
  /** How many characters decide a link: the longest base, the slashes, the longest type, and one more. */
  readonly limit: number;
}

const makePatterns = (from: LinkReplacements['from']): LinkPatterns => {
  const bases = spelledOf(from);
  const named = bases.flatMap(([, { only = [], except = [] }]) => [...only, ...except]);
  return {
    below: baseBefore(bases, ownPattern),
    belowBinary: baseBefore(
      bases.filter(([, limits]) => isAt({ bases: [], ...limits }, 'Binary')),
      () => '/Binary[/?"]',
    ),
    limit:
      (bases[0]?.[0].length ?? 0) + Math.max(...['Binary', ...named].map(({ length }) => length)) + mostSlashes + 1,
  };
};

const made = new WeakMap<LinkReplacements['from'], LinkPatterns>();

/** Makes the patterns once for each list of bases. For a small answer, making them takes longer than reading it. */
const patternsFor = (from: LinkReplacements['from']): LinkPatterns => {
  const patterns = made.get(from) ?? makePatterns(from);
  made.set(from, patterns);
  return patterns;
};

/** Makes the decider for one answer. */
export const createLinkDecider = ({ from, to, pages }: LinkReplacements): LinkDecider => {
  const gatewayBase = spell(withoutSlash(to));
  const lost = `${gatewayBase}?${linkParameter}=${lostPage}`;
  const { below, belowBinary, limit } = patternsFor(from);
  let foreignLinks = 0;
  let unsealedLinks = 0;

  const decidePlain = (type: number, characters: string, at: number): number => {
    const length = matchAt(type === binaryLink ? belowBinary : below, characters, at);
    if (length === 0 && type !== binaryLink && matchAt(absolute, characters, at) > 0) foreignLinks++;
    return length;
  };

  /** How many characters of a link that may be a page's are decoded. */
  const pageLimit = Math.max(longestPageLink, limit);

  const decideLink = (type: number, { beginning }: Link): Replacement | undefined => {
    const { text, endOf } = beginning();
    const length = decidePlain(type, `${text}"`, 0);
    return length === 0 ? undefined : { length: endOf(length), by: gatewayBase };
  };

  /** Seals a page's link. Null if it is too long, undefined if it is not a page of the payer's. */
  const sealPage = ({ spelling, isWhole, beginning }: Link): string | undefined | null => {
    const mayFit = isWhole && spelling.length <= longestPageLink * 6;
    let url = '';
    try {
      if (mayFit) url = JSON.parse(`"${utf8(spelling)}"`) as string;
    } catch {
      return undefined; // Not JSON.
    }
    const fits = mayFit && Buffer.byteLength(url) <= longestPageLink;
    // The beginning of one that is too long says whose it is.
    const rest = pages!.restOf(fits ? url : beginning().text);
    if (rest === undefined) return undefined;
    return fits ? pages!.seal(rest) : null;
  };

  /** Whether a link is sealed: any page's, and one that may be a page's if it has a host. */
  const isSealed = (type: number, { beginning }: Link): boolean => {
    if (isNoPage(type)) return false;
    if (type === pageLink) return true;
    const { text } = beginning();
    return withHost.test(text) && (type !== selfLink || matchAt(below, `${text}"`, 0) === 0);
  };

  return {
    gatewayBase,
    decidePlain,
    charactersFor: (type) => (isNoPage(type) ? limit : Math.max(longestPageLink + 1, limit)),
    decide(type, spelling, isWhole) {
      const link = linkOf(spelling, isWhole, isNoPage(type) ? limit : pageLimit);
      const isPage = isSealed(type, link);
      const sealed = isPage ? sealPage(link) : undefined;
      if (typeof sealed === 'string') return { length: spelling.length, by: spell(sealed) };
      const foreignBefore = foreignLinks;
      const replacement = isPage || type !== hostLink ? decideLink(type, link) : undefined;
      if (sealed !== null) return replacement;
      unsealedLinks++;
      foreignLinks = foreignBefore;
      // One that leads to the gateway stays readable: it is followed where the profile names its parameters.
      if (replacement !== undefined || !withHost.test(link.beginning().text)) return replacement;
      return { length: spelling.length, by: lost, isAll: true };
    },
    foreignLinks: () => foreignLinks,
    unsealedLinks: () => unsealedLinks,
  };
};
