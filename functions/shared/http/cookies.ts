import { header, type ApiEvent } from './api.ts';

/** The browser's cookies, oldest first (RFC 6265 §5.4); of a repeated name the first counts. */
export const readCookies = (event: ApiEvent): Map<string, string> => {
  const cookies = new Map<string, string>();
  // HTTP/2 clients may send one header a cookie; joined by a comma they still come apart at either mark.
  for (const pair of (header(event, 'cookie') ?? '').split(/[;,] */)) {
    const equals = pair.indexOf('=');
    if (equals > 0 && !cookies.has(pair.slice(0, equals))) cookies.set(pair.slice(0, equals), pair.slice(equals + 1));
  }
  return cookies;
};

/** A cookie of ours: bound to this host, to https, and out of scripts' reach; Lax, since the payer sends the browser back. */
export const hostCookie = (name: string, value: string, maxAgeSeconds: number): string =>
  `__Host-${name}=${value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}`;

/** Takes a cookie back. */
export const clearCookie = (name: string): string => hostCookie(name, '', 0);
