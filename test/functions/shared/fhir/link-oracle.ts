/**
 * The slow way to rewrite links, for comparison: a recursive reader of a whole JSON text that prints it again with the
 * changes. It shares nothing with the rewriter.
 */
export interface OracleResult {
  readonly text: string;
  readonly foreignLinks: number;
  readonly unsealedLinks: number;
}

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
      const pattern = onlyBinary ? /^\/Binary(?:[/?]|$)/ : /^(?:[/?]|$)/;
      return decoded.startsWith(candidate) && pattern.test(rest);
    });
    if (base !== undefined) return `"${to}${source.slice(1 + rawLength(source.slice(1), base.length))}`;
    if (!onlyBinary && /^https?:\/\//i.test(decoded)) foreignLinks++;
    return source;
  };

  /** A page's link: sealed as a whole, or else handled like other links. */
  const page = (source: string): string => {
    const decoded = JSON.parse(source) as string;
    const sealed = Buffer.byteLength(decoded) > 5000 ? null : seal?.(decoded);
    if (typeof sealed === 'string') return JSON.stringify(sealed);
    const [foreignBefore, rewritten] = [foreignLinks, link(source, false)];
    if (sealed === null && foreignLinks === foreignBefore) unsealedLinks++;
    return rewritten;
  };

  const value = (key: string | undefined, inLink: boolean, inResponse: boolean, isSelf: boolean): void => {
    space();
    const first = text[position];
    if (first === '{') {
      object(key === 'link' || (key === undefined && inLink), key === 'response');
    } else if (first === '[') {
      array(key === 'link' || (key === undefined && inLink));
    } else if (first === '"') {
      const source = string();
      if (key === 'fullUrl' || key === 'reference') out += link(source, false);
      else if (key === 'url' && inLink && seal !== undefined && !isSelf) out += page(source);
      else if (key === 'url') out += link(source, !inLink);
      else if (key === 'location' && inResponse) out += link(source, false);
      else out += source;
    } else {
      out += take(/[-+.\w]+/y);
    }
    space();
  };

  const object = (isLink: boolean, isResponse: boolean): void => {
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
      if (key === 'relation') isSelf = text[position] === '"' && stringAhead() === 'self';
      value(key, isLink, isResponse, isSelf);
      if (text[position] === ',') out += take(/,/y);
      space();
    }
    out += take(/\}/y);
  };

  const array = (isLink: boolean): void => {
    out += take(/\[/y);
    space();
    while (text[position] !== ']') {
      value(undefined, isLink, false, false);
      if (text[position] === ',') out += take(/,/y);
    }
    out += take(/\]/y);
  };

  value(undefined, false, false, false);
  return { text: out, foreignLinks, unsealedLinks };
};
