/**
 * The slow way to rewrite links, for comparison: a recursive reader of a whole JSON text that prints it again with the
 * changes. It shares nothing with the rewriter.
 */
export interface OracleResult {
  readonly text: string;
  readonly foreignLinks: number;
  readonly unsealedLinks: number;
}

/** Whether it is in a `link`: of the answer itself, its `self` or another, or of something in it. */
type Where = 'own' | 'ownSelf' | 'other' | undefined;

const pages = new Set(['url', 'href', 'next', 'prev', 'previous', 'first', 'last']);
/** Names at the top of a page in place of `link`. */
const instead = new Set(
  'Link links Links _links next Next nextPage next_page next-page nextLink nextUrl prev previous first last page pages paging pagination'.split(
    ' ',
  ),
);
const hasHost = (source: string): boolean => /^[\0- ]*(?:https?:|[/\\]{2})/i.test(JSON.parse(source) as string);
const identities = new Set(['extension', 'modifierExtension', 'identifier']);

/** What the value of a member of something is in. */
const under = (key: string, where: Where, level: number, hasPages: boolean): Where => {
  if (level === 1 && (key === 'link' || (hasPages && instead.has(key)))) return 'own';
  if (where === 'own' || where === 'ownSelf')
    return identities.has(key) ? undefined : key === 'self' ? 'ownSelf' : 'own';
  return key === 'link' ? 'other' : undefined;
};

export const rewriteSlowly = (
  text: string,
  from: readonly string[],
  to: string,
  seal?: (url: string) => string | undefined | null,
): OracleResult => {
  const bases = from.map((base) => base.replace(/\/+$/, '')).sort((a, b) => b.length - a.length);
  let position = 0;
  let out = '';
  let foreignLinks = 0;
  let unsealedLinks = 0;

  const take = (pattern: RegExp): string => {
    pattern.lastIndex = position;
    const found = pattern.exec(text);
    if (found?.index !== position) throw new Error(`not JSON at ${position}`);
    position += found[0].length;
    return found[0];
  };
  const space = () => {
    out += take(/[ \t\r\n]*/y);
  };
  const string = () => take(/"(?:[^"\\]|\\.)*"/y);
  const stringAhead = () => JSON.parse(/^"(?:[^"\\]|\\.)*"/.exec(text.slice(position))![0]) as string;

  /** How many raw characters of the string's source give its first `length` decoded ones. */
  const rawLength = (source: string, length: number): number => {
    let raw = 0;
    for (let decoded = 0; decoded < length; decoded++) {
      raw += source[raw] !== '\\' ? 1 : source[raw + 1] === 'u' ? 6 : 2;
    }
    return raw;
  };

  const link = (source: string, onlyBinary: boolean): string => {
    const decoded = JSON.parse(source) as string;
    const base = bases.find((candidate) => {
      const rest = decoded.slice(candidate.length);
      const pattern = onlyBinary ? /^\/{1,8}Binary(?:[/?]|$)/ : /^(?:[/?]|$)/;
      // Scheme and host mean the same in any letter case (RFC 3986 §6.2.2.1).
      const end = /^\w+:\/\/[^/?#]*/.exec(candidate)?.[0].length ?? 0;
      const isSameHost = decoded.slice(0, end).toLowerCase() === candidate.slice(0, end).toLowerCase();
      return isSameHost && decoded.slice(end).startsWith(candidate.slice(end)) && pattern.test(rest);
    });
    if (base !== undefined) {
      // A base with its slashes: they belong to it.
      const length = base.length + (/^(\/{1,7})\/[A-Z]/.exec(decoded.slice(base.length))?.[1]?.length ?? 0);
      return `"${to}${source.slice(1 + rawLength(source.slice(1), length))}`;
    }
    if (!onlyBinary && /^https?:\/\//i.test(decoded)) foreignLinks++;
    return source;
  };

  /** A page's link: sealed as a whole, one that says that it is lost, or else handled like other links. */
  const page = (source: string): string => {
    const decoded = JSON.parse(source) as string;
    const sealed = seal?.(decoded);
    if (sealed === undefined) return link(source, false);
    if (sealed !== null && Buffer.byteLength(decoded) <= 5000) return JSON.stringify(sealed);
    unsealedLinks++;
    const foreignBefore = foreignLinks;
    const rewritten = link(source, false);
    foreignLinks = foreignBefore;
    return rewritten !== source || !hasHost(source) ? rewritten : `"${to}?_link=unavailable"`;
  };

  /** A link to the page itself. It is handled like other links; if that leaves it unchanged and it has a host, like a page's link. */
  const selfLink = (source: string): string => {
    const foreignBefore = foreignLinks;
    const rewritten = link(source, false);
    if (rewritten !== source || !hasHost(source)) return rewritten;
    foreignLinks = foreignBefore;
    return page(source);
  };

  const value = (
    key: string | undefined,
    inLink: Where,
    holder: string | undefined,
    isSelf: boolean,
    level: number,
  ): void => {
    space();
    const first = text[position];
    const where = key === undefined ? inLink : under(key, inLink, level, seal !== undefined);
    const isHeld = holder === 'response' || holder === 'request';
    const isOwn = inLink === 'own' || inLink === 'ownSelf';
    if (first === '{') {
      object(where, key, level + 1);
    } else if (first === '[') {
      array(where, level + 1);
    } else if (first === '"') {
      const source = string();
      if (key === 'fullUrl' || key === 'reference') out += link(source, false);
      else if (isOwn && (key === 'relation' || key === 'rel')) out += source;
      else if (isOwn || (level === 1 && (key === 'link' || (seal !== undefined && instead.has(key ?? ''))))) {
        const ofSelf = (isOwn && isSelf) || inLink === 'ownSelf' || key === 'self';
        if (seal === undefined) out += link(source, false);
        else if (ofSelf) out += selfLink(source);
        else out += (isOwn && pages.has(key ?? '')) || hasHost(source) ? page(source) : source;
      } else if (key === 'url') out += link(source, inLink === undefined && !isHeld);
      else if (key === 'href' && inLink === 'other') out += link(source, false);
      else if (key === 'location' && isHeld) out += link(source, false);
      else out += source;
    } else {
      out += take(/[-+.\w]+/y);
    }
    space();
  };

  const object = (inLink: Where, holder: string | undefined, level: number): void => {
    out += take(/\{/y);
    space();
    let isSelf = false;
    while (text[position] !== '}') {
      const source = string();
      out += source;
      space();
      out += take(/:/y);
      const key = JSON.parse(source) as string;
      space();
      if (key === 'relation' || (key === 'rel' && inLink !== 'other'))
        isSelf = text[position] === '"' && stringAhead() === 'self';
      value(key, inLink, holder, isSelf, level);
      if (text[position] === ',') out += take(/,/y);
      space();
    }
    out += take(/\}/y);
  };

  const array = (inLink: Where, level: number): void => {
    out += take(/\[/y);
    space();
    while (text[position] !== ']') {
      value(undefined, inLink, undefined, false, level);
      if (text[position] === ',') out += take(/,/y);
    }
    out += take(/\]/y);
  };

  value(undefined, undefined, undefined, false, 0);
  return { text: out, foreignLinks, unsealedLinks };
};
