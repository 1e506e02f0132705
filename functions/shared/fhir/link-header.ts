/** A link of a `Link` header (https://www.rfc-editor.org/rfc/rfc8288#section-3), which some servers send beside a Bundle's, or in place of them. */
interface HeaderLink {
  /** As it is in the header. It may be relative to the URL of the request. */
  readonly url: string;
  /** As the header spells them. */
  readonly relations: readonly string[];
}

export interface HeaderLinks {
  readonly links: readonly HeaderLink[];
  /** Whether part of it cannot be read, or it links to the next page of something that was not requested. */
  readonly isUnreadable: boolean;
}

const separators = /[\s,]*/y;
const target = /<([^<>]*)>/y;
const parameter = /\s*;\s*(?:([^\s=;,"<>]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?)?/y;

/** Relations ignore case, and may be URLs (RFC 8288 §3.3). Some write `next-page` or `nextPage`, which has no other meaning. */
export const isNext = (relation: string): boolean => /(?:^|[/#])next(?:[-_]?page)?$/i.test(relation.trim());

/** Longer headers are not read. */
const mostCharacters = 16_384;

/** Reads a `Link` header. */
export const readLinkHeader = (header: string | null): HeaderLinks => {
  if (header === null) return { links: [], isUnreadable: false };
  const links: HeaderLink[] = [];
  let isUnreadable = false;
  let at = 0;
  const take = (form: RegExp): RegExpExecArray | null => {
    form.lastIndex = at;
    const found = form.exec(header);
    at += found?.[0].length ?? 0;
    return found;
  };
  if (header.length > mostCharacters) return { links, isUnreadable: true };
  for (take(separators); at < header.length; take(separators)) {
    const url = take(target)?.[1];
    if (url === undefined) return { links, isUnreadable: true };
    const parameters = new Map<string, string>();
    for (let found = take(parameter); found !== null; found = take(parameter)) {
      const [, name = '', quoted, plain = ''] = found;
      const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain;
      // If a name is repeated, the first one counts.
      if (!parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), value);
    }
    if (at < header.length && !/[\s,]/.test(header[at]!)) return { links, isUnreadable: true };
    const relations = (parameters.get('rel') ?? '').split(/\s+/).filter((one) => one !== '');
    if (!parameters.has('anchor')) links.push({ url: url.trim(), relations });
    else if (relations.some(isNext)) isUnreadable = true;
  }
  return { links, isUnreadable };
};
