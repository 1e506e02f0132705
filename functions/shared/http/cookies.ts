import type { ApiEvent } from './api.ts';

/** The values of each `Cookie` header. They are never joined, since a comma may be part of a cookie's value. */
const cookieHeaders = ({ multiValueHeaders, headers }: ApiEvent): string[] => {
  const sent = Object.entries(multiValueHeaders ?? headers ?? {});
  return sent.flatMap(([name, values]) => (name.toLowerCase() === 'cookie' ? (values ?? []) : []));
};

/**
 * The browser's cookies, oldest first (RFC 6265 §5.4). The first of a repeated name counts. Only a semicolon ends a
 * cookie (§4.2): a sibling domain may write commas, and our names after them, into the value of a cookie of its own.
 */
export const readCookies = (event: ApiEvent): Map<string, string> => {
  const cookies = new Map<string, string>();
  for (const pair of cookieHeaders(event).flatMap((value) => value.split(/; */))) {
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
