/**
 * Returns what follows a base URL in `url`: nothing, or text that starts with `/` or `?`. Undefined if `url` is not
 * below it.
 * @param base has no trailing slash; the configuration check ensures it
 */
export const afterBase = (url: string, base: string): string | undefined => {
  if (!url.startsWith(base)) return undefined;
  const rest = url.slice(base.length);
  return rest === '' || rest.startsWith('/') || rest.startsWith('?') ? rest : undefined;
};
