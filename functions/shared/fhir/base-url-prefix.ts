/** What follows a base URL in `url` (nothing, or text from `/` or `?` on); undefined where `url` is not below it. */
export function afterBase(url: string, base: string): string | undefined {
  const bare = base.replace(/\/+$/, '');
  if (bare === '' || !url.startsWith(bare)) return undefined;
  const rest = url.slice(bare.length);
  return rest === '' || rest.startsWith('/') || rest.startsWith('?') ? rest : undefined;
}
