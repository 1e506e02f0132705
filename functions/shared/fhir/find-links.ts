import { openObject } from '../json/bytes.ts';
import { namesOf } from '../json/names.ts';
import { token, type JsonTokens } from '../json/tokens.ts';

/** What the value of a member is. */
export const noLink = 0;
/** A link. */
export const anyLink = 1;
/** A link only if it points to a Binary. */
export const binaryLink = 2;
/** A page's link, which is sealed. */
export const pageLink = 3;
/** Under `link`: the link's relation. */
export const relation = 4;
/** A page's link, if it is a URL with a host. */
export const hostLink = 5;
/** A link to the page itself. It counts as a page's link only if it has a host and does not begin with one of the bases. */
export const selfLink = 6;

const followed = 1;
const url = 2;
const location = 3;
const link = 4;
const response = 5;
const relationName = 6;
const href = 7;
const self = 8;
const page = 9;
const noLinks = 10;
const insteadOfLink = 11;

/** What some servers write at the top of a page in place of FHIR's `link`. */
const inPlaceOfLink =
  'Link links Links _links next Next nextPage next_page next-page nextLink nextUrl prev previous first last page pages paging pagination';

const everywhere = {
  ...Object.fromEntries(inPlaceOfLink.split(' ').map((name) => [name, insteadOfLink])),
  fullUrl: followed,
  reference: followed,
  url,
  href,
  location,
  link,
  response,
  // R4's `request` has a `url` and its `response` a `location`; neither has the other's, so one reading serves both.
  request: response,
  relation: relationName,
};

/** The names of the members that matter. */
export const linkNames = namesOf(everywhere);

/** Those that matter under the answer's own `link`. An extension's URL and an identifier's system say what it is. */
const namesInLink = namesOf({
  ...everywhere,
  rel: relationName,
  self,
  next: page,
  prev: page,
  previous: page,
  first: page,
  last: page,
  extension: noLinks,
  modifierExtension: noLinks,
  identifier: noLinks,
});

// What is known of an open bracket, as flags.
const underLink = 1;
const underResponse = 2;
const isSelf = 4;
const ofAnswer = 8;
const inSelf = 16;

/** How many levels under a `link`, `response` or `request` are known: more than an export's resource may have. What is deeper is not changed. */
const mostLevels = 256;

/**
 * Tells which strings of an answer are links: the value of
 * - `fullUrl` and `reference`, anywhere;
 * - `url` or `href` in the object, or in an object of the array, that a `link` holds;
 * - under the answer's own `link`: `url`, `href`, `next`, `prev`, `previous`, `first` and `last`, and any URL with a host. Each is a page's
 *   link, except a link to the page itself that begins with one of the bases. A link is to the page itself if it is the `self`, or in it, or
 *   if the `relation` or `rel` before it in its object is `self`. Links in the documents of an answer are no links to pages, since others write them;
 * - `location` and `url` in the object that a `response` or a `request` holds;
 * - with pages, the same under each name that some servers have at the top in place of `link`, such as `links` or `nextPage`;
 * - `url` anywhere else, if it points to a Binary.
 */
export interface LinkFinder {
  /** Takes the next token, and returns what it is if it begins here. */
  readonly take: (kind: number, tokens: JsonTokens) => number;
  /** The relation of the current link is `self`. */
  readonly markSelf: () => void;
}

/** @param hasPages whether the answer has pages, whose links are sealed */
export const createLinkFinder = (hasPages: boolean): LinkFinder => {
  /** The flags of each open bracket under a `link`, `response` or `request`. */
  const open = new Uint8Array(mostLevels + 1);
  let depth = 0;
  let isStarted = false;
  let isBroken = false;

  /** Of the bracket that is open. */
  const flags = (): number => open[Math.min(depth, mostLevels)]!;

  const typeInOwnLink = (name: number, inside: number): number => {
    if (name === relationName) return relation;
    if (!hasPages) return anyLink;
    if (inside & (isSelf | inSelf) || name === self) return selfLink;
    return name === url || name === href || name === page ? pageLink : hostLink;
  };

  const typeOf = ({ name, level }: JsonTokens): number => {
    const inside = flags();
    if (name === followed) return anyLink;
    if (inside & ofAnswer) return typeInOwnLink(name, inside);
    if (name === url) return inside & (underLink | underResponse) ? anyLink : binaryLink;
    if (name === href) return inside & underLink ? anyLink : noLink;
    if (name === location) return inside & underResponse ? anyLink : noLink;
    if (name === link && level === 1) return hasPages ? hostLink : anyLink;
    if (name === insteadOfLink && level === 1) return hasPages ? hostLink : noLink;
    return noLink;
  };

  const bracketOf = ({ chunk, start, isMember, name, level }: JsonTokens): number => {
    const inside = flags();
    if (!isMember) return inside & (underLink | ofAnswer | inSelf);
    if (inside & ofAnswer) return name === noLinks ? 0 : underLink | ofAnswer | (name === self ? inSelf : 0);
    if (name === link) return level === 1 ? underLink | ofAnswer : underLink;
    if (name === insteadOfLink) return level === 1 && hasPages ? underLink | ofAnswer : 0;
    return name === response && chunk[start] === openObject ? underResponse : 0;
  };

  /** Under the answer's own `link` more names matter, and every string may be a link. */
  const look = (tokens: JsonTokens): void => {
    tokens.reportsBrackets = depth > 0;
    tokens.reportsValues = (flags() & ofAnswer) > 0;
    if (depth === 0) tokens.names = linkNames;
    else if (tokens.reportsValues) tokens.names = namesInLink;
  };

  const enter = (tokens: JsonTokens): void => {
    const bracket = bracketOf(tokens);
    if (depth === 0 && bracket === 0) return;
    depth++;
    if (depth <= mostLevels) open[depth] = bracket;
    look(tokens);
  };

  const leave = (tokens: JsonTokens): void => {
    if (depth === 0) return;
    depth--;
    look(tokens);
  };

  const begin = (kind: number, { fault }: JsonTokens): void => {
    isStarted = kind !== token.none && kind !== token.gap;
    isBroken = isStarted && (kind !== token.opening || fault !== 0);
  };

  const check = ({ fault }: JsonTokens): void => {
    if (fault !== 0 && depth <= mostLevels) isBroken = true;
  };

  return {
    take(kind, tokens) {
      if (!isStarted) begin(kind, tokens);
      if (depth > 0) check(tokens);
      if (isBroken || kind === token.none) return noLink;
      const mayBeLink = tokens.name !== 0 || (kind === token.text && tokens.reportsValues);
      const type = mayBeLink && tokens.isFirst && depth <= mostLevels ? typeOf(tokens) : noLink;
      if (type === relation) open[depth]! &= ~isSelf;
      if (kind === token.opening) enter(tokens);
      if (kind === token.closing) leave(tokens);
      return type;
    },
    markSelf() {
      open[depth]! |= isSelf;
    },
  };
};
