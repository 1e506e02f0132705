import type { KoaContextWithOIDC, Provider } from 'oidc-provider';

/**
 * Every request signs in again. A session that outlives a sign-in would collide with a second tab or another member in
 * the same browser, so the session cookie is neither read nor set.
 */
export const keepNoSession = (provider: Provider): void => {
  const name = provider.cookieName('session');
  provider.use(async (ctx, next) => {
    ctx.req.headers.cookie = withoutCookie(ctx.req.headers.cookie, name);
    await next();
    removeCookie(ctx, name);
  });
};

const removeCookie = (ctx: { readonly res: KoaContextWithOIDC['res'] }, name: string): void => {
  const cookies = ctx.res.getHeader('set-cookie');
  if (!Array.isArray(cookies)) return;
  const kept = cookies.filter((cookie) => !cookie.startsWith(`${name}=`));
  if (kept.length > 0) ctx.res.setHeader('set-cookie', kept);
  else ctx.res.removeHeader('set-cookie');
};

const withoutCookie = (header: string | undefined, name: string): string | undefined => {
  return header
    ?.split(';')
    .filter((cookie) => !cookie.trim().startsWith(`${name}=`))
    .join(';');
};
