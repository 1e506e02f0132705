/**
 * What follows a base URL in `url` (nothing, or text from `/` or `?` on); undefined where `url` is not below it.
 * @param base without a slash at its end, as the configuration demands
 */
export const afterBase = (url: string, base: string): string | undefined => {
  if (!url.startsWith(base)) return undefined;
  const rest = url.slice(base.length);
  return rest === '' || rest.startsWith('/') || rest.startsWith('?') ? rest : undefined;
};
