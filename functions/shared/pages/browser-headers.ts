import { createHash } from 'node:crypto';
import type { ApiResponse } from '../http/api.ts';
import { noStore } from '../http/respond.ts';

/** What a page may do, beside showing text. */
export interface PagePolicy {
  /** The text of each inline style sheet. */
  readonly styles?: readonly string[];
  /** The text of its inline script. It may call only the page's own origin. */
  readonly script?: string | undefined;
  /** Whether it shows an image, which is always a `data:` URL. */
  readonly images?: boolean;
  /** Where its forms may lead. @default nowhere */
  readonly formAction?: string | undefined;
}

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const contentSecurityPolicy = ({ styles = [], script, images = false, formAction = "'none'" }: PagePolicy): string =>
  [
    "default-src 'none'",
    ...(styles.length === 0 ? [] : [`style-src ${styles.map(hashOf).join(' ')}`]),
    ...(script === undefined ? [] : [`script-src ${hashOf(script)}`, "connect-src 'self'"]),
    ...(images ? ['img-src data:'] : []),
    `form-action ${formAction}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

/**
 * Headers of every answer to a browser: no storing, framing, sniffing or referrer, and no plain http for a year (RFC
 * 6797, which browsers ignore if the answer itself came over http, as on localhost).
 */
export const browserHeaders = (policy: PagePolicy = {}): Record<string, string> => ({
  ...noStore,
  'Content-Security-Policy': contentSecurityPolicy(policy),
  'Referrer-Policy': 'no-referrer',
  'Strict-Transport-Security': 'max-age=31536000',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
});

/** Redirects a browser: 302, since 307 would repeat a form (RFC 9700 §4.12). */
export const redirect = (location: string, cookies: readonly string[] = []): ApiResponse => ({
  statusCode: 302,
  headers: { Location: location, ...browserHeaders() },
  ...(cookies.length === 0 ? {} : { multiValueHeaders: { 'Set-Cookie': [...cookies] } }),
  body: '',
});
