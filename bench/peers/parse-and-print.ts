/** The usual way: parse the answer, replace its links, print it. It needs memory for several copies of the answer. */

interface Bases {
  readonly from: string;
  readonly to: string;
}

const followed = new Set(['fullUrl', 'reference']);

const isBelow = (url: string, base: string): boolean =>
  url.startsWith(base) && (url.length === base.length || url[base.length] === '/' || url[base.length] === '?');

const isLink = (key: string, url: string, within: string, { from }: Bases): boolean =>
  isBelow(url, from) &&
  (followed.has(key) ||
    (key === 'url' && (within === 'link' || isBelow(url, `${from}/Binary`))) ||
    (key === 'location' && within === 'response'));

/** Replaces in place. `within` is the key that holds the value. */
const replaceIn = (value: unknown, within: string, bases: Bases): void => {
  if (Array.isArray(value)) {
    for (const element of value) replaceIn(element, within, bases);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const object = value as Record<string, unknown>;
  for (const key in object) {
    const member = object[key];
    if (typeof member === 'string') {
      if (isLink(key, member, within, bases)) object[key] = bases.to + member.slice(bases.from.length);
    } else if (typeof member === 'object') replaceIn(member, key, bases);
  }
};

/** Rewrites the links in a whole answer. */
export const parseAndPrint = (chunks: readonly Uint8Array[], bases: Bases): Buffer => {
  const document: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  replaceIn(document, '', bases);
  return Buffer.from(JSON.stringify(document));
};
