/** The scheme and the host of a URL, which mean the same in any letter case (RFC 3986 §6.2.2.1). */
const origin = /^[a-z]+:\/\/[^/?#]*/i;

/** The length of a base's scheme and host. */
export const originLength = (base: string): number => origin.exec(base)?.[0].length ?? 0;

const startsWithBase = (url: string, base: string): boolean => {
  if (url.startsWith(base)) return true;
  const end = originLength(base);
  return (
    url.slice(0, end).toLowerCase() === base.slice(0, end).toLowerCase() &&
    url.startsWith(base.slice(end), end) &&
    end > 0
  );
};

/**
 * Returns what follows a base URL in `url`: nothing, or text that starts with `/` or `?`. Undefined if `url` is not
 * below it.
 * @param base has no trailing slash; the configuration check ensures it
 */
export const afterBase = (url: string, base: string): string | undefined => {
  if (!startsWithBase(url, base)) return undefined;
  const rest = url.slice(base.length);
  return rest === '' || rest.startsWith('/') || rest.startsWith('?') ? rest : undefined;
};

/** The most slashes between a base and a type. */
export const mostSlashes = 8;

const moreSlashes = new RegExp(`^/{2,${mostSlashes}}(?=[A-Z])`);

/** What follows a base, even if the base was written with slashes at its end: `{base}//Binary/1` is `{base}/Binary/1`. */
export const belowBase = (url: string, base: string): string | undefined =>
  afterBase(url, base)?.replace(moreSlashes, '/');
