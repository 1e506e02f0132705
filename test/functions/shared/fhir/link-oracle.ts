/**
 * The slow way to rewrite links, for comparison: a recursive reader of a whole JSON text that prints it again with the
 * changes. It shares nothing with the rewriter.
 */
export type OracleResult = { readonly text: string; readonly foreignLinks: number };

export function rewriteSlowly(text: string, from: readonly string[], to: string): OracleResult {
  const bases = from.map((base) => base.replace(/\/+$/, '')).sort((a, b) => b.length - a.length);
  let position = 0;
  let out = '';
  let foreignLinks = 0;

  function take(pattern: RegExp): string {
    pattern.lastIndex = position;
    const found = pattern.exec(text);
    if (found?.index !== position) throw new Error(`not JSON at ${position}`);
    position += found[0].length;
    return found[0];
  }
  const space = () => {
    out += take(/[ \t\r\n]*/y);
  };
  const string = () => take(/"(?:[^"\\]|\\.)*"/y);

  /** How many raw characters of the string's source make its first `length` decoded ones. */
  function rawLength(source: string, length: number): number {
    let raw = 0;
    for (let decoded = 0; decoded < length; decoded++) {
      raw += source[raw] !== '\\' ? 1 : source[raw + 1] === 'u' ? 6 : 2;
    }
    return raw;
  }

  function link(source: string, onlyBinary: boolean): string {
    const decoded = JSON.parse(source) as string;
    const base = bases.find((candidate) => {
      const rest = decoded.slice(candidate.length);
      const pattern = onlyBinary ? /^\/Binary(?:[/?]|$)/ : /^(?:[/?]|$)/;
      return decoded.startsWith(candidate) && pattern.test(rest);
    });
    if (base !== undefined) return `"${to}${source.slice(1 + rawLength(source.slice(1), base.length))}`;
    if (!onlyBinary && /^https?:\/\//i.test(decoded)) foreignLinks++;
    return source;
  }

  function value(key: string | undefined, inLink: boolean, inResponse: boolean): void {
    space();
    const first = text[position];
    if (first === '{') {
      object(key === 'link' || (key === undefined && inLink), key === 'response');
    } else if (first === '[') {
      array(key === 'link' || (key === undefined && inLink));
    } else if (first === '"') {
      const source = string();
      if (key === 'fullUrl' || key === 'reference') out += link(source, false);
      else if (key === 'url') out += link(source, !inLink);
      else if (key === 'location' && inResponse) out += link(source, false);
      else out += source;
    } else {
      out += take(/[-+.\w]+/y);
    }
    space();
  }

  function object(isLink: boolean, isResponse: boolean): void {
    out += take(/\{/y);
    space();
    while (text[position] !== '}') {
      const source = string();
      out += source;
      space();
      out += take(/:/y);
      value(JSON.parse(source) as string, isLink, isResponse);
      if (text[position] === ',') out += take(/,/y);
      space();
    }
    out += take(/\}/y);
  }

  function array(isLink: boolean): void {
    out += take(/\[/y);
    space();
    while (text[position] !== ']') {
      value(undefined, isLink, false);
      if (text[position] === ',') out += take(/,/y);
    }
    out += take(/\]/y);
  }

  value(undefined, false, false);
  return { text: out, foreignLinks };
}
