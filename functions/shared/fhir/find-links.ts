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

const followed = 1;
const url = 2;
const location = 3;
const link = 4;
const response = 5;
const relationName = 6;

/** The names of the members that matter. */
export const linkNames = namesOf({
  fullUrl: followed,
  reference: followed,
  url,
  location,
  link,
  response,
  relation: relationName,
});

// What is known of an open bracket, as flags.
const underLink = 1;
const underResponse = 2;
const isSelf = 4;
const ofAnswer = 8;

/** How many levels under a `link` or `response` are known: more than an export's resource may have. What is deeper is not changed. */
const mostLevels = 256;

/**
 * Tells which strings of an answer are links: the value of
 * - `fullUrl` and `reference`, anywhere;
 * - `url` in the object, or in an object of the array, that a `link` holds. It is a page's link if the `link` is the answer's
 *   own, since whoever wrote a document in it writes its links too, and unless the object's `relation` was already read as
 *   `self`;
 * - `location` in the object that a `response` holds;
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
  /** The flags of each open bracket under a `link` or `response`. */
  const open = new Uint8Array(mostLevels + 1);
  let depth = 0;
  let isStarted = false;
  let isBroken = false;

  const typeOf = (name: number): number => {
    const inside = open[depth]!;
    if (name === followed) return anyLink;
    if (name === url) {
      if (!(inside & underLink)) return binaryLink;
      return hasPages && inside & ofAnswer && !(inside & isSelf) ? pageLink : anyLink;
    }
    if (name === location) return inside & underResponse ? anyLink : noLink;
    return name === relationName && inside & underLink ? relation : noLink;
  };

  const bracketOf = ({ chunk, start, isMember, name, level }: JsonTokens): number => {
    if (!isMember) return open[Math.min(depth, mostLevels)]! & (underLink | ofAnswer);
    if (name === link) return level === 1 ? underLink | ofAnswer : underLink;
    return name === response && chunk[start] === openObject ? underResponse : 0;
  };

  const enter = (tokens: JsonTokens): void => {
    const bracket = bracketOf(tokens);
    if (depth === 0 && bracket === 0) return;
    depth++;
    if (depth <= mostLevels) open[depth] = bracket;
    tokens.reportsBrackets = true;
  };

  const leave = (tokens: JsonTokens): void => {
    if (depth > 0) depth--;
    tokens.reportsBrackets = depth > 0;
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
      const type = tokens.name !== 0 && tokens.isFirst && depth <= mostLevels ? typeOf(tokens.name) : noLink;
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
