import { headerText, type ApiEvent } from './api.ts';

/** The browser's cookies, oldest first (RFC 6265 §5.4). The first of a repeated name counts. */
export const readCookies = (event: ApiEvent): Map<string, string> => {
  const cookies = new Map<string, string>();
  // HTTP/2 clients may send one header per cookie. API Gateway joins them with commas, so split at both marks.
  for (const pair of headerText(event, 'cookie').split(/[;,] */)) {
    const equals = pair.indexOf('=');
    if (equals > 0 && !cookies.has(pair.slice(0, equals))) cookies.set(pair.slice(0, equals), pair.slice(equals + 1));
  }
  return cookies;
};

/**
 * Sets a cookie for this host and https only, hidden from scripts. It is Lax, since the payer sends the browser back.
 */
export const hostCookie = (name: string, value: string, maxAgeSeconds: number): string =>
  `__Host-${name}=${value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}`;

/** Deletes a cookie. */
export const clearCookie = (name: string): string => hostCookie(name, '', 0);
