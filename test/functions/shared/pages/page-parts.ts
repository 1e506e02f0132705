import { createHash } from 'node:crypto';
import type { ApiResponse } from '../../../../functions/shared/http/api.ts';
import type { PageView } from '../../../../functions/shared/pages/view.ts';

export const view: PageView = { operator: { name: 'Operator & Co' }, language: 'en', method: 'GET', pairs: [] };

/** The content of an element of a page. */
export const within = ({ body }: ApiResponse, tag: string): string | undefined =>
  new RegExp(`<${tag}>(.*)</${tag}>`, 's').exec(typeof body === 'string' ? body : '')?.[1];

/** The same as a person reads it, without the white space between elements. */
export const elementOf = (answer: ApiResponse, tag: string): string | undefined =>
  within(answer, tag)?.replaceAll(/>\s+</g, '><').trim();

export const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** The headers of every answer to a browser. @param policy what follows `default-src 'none'` */
export const browserHeaders = (policy = "form-action 'none'"): Readonly<Record<string, string>> => ({
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
  'Content-Security-Policy': `default-src 'none'; ${policy}; base-uri 'none'; frame-ancestors 'none'`,
  'Referrer-Policy': 'no-referrer',
  'Strict-Transport-Security': 'max-age=31536000',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
});

/** The headers of an English page. @param policy what follows its style sheet */
export const pageHeaders = (answer: ApiResponse, policy = "form-action 'none'"): Readonly<Record<string, string>> => ({
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Language': 'en',
  ...browserHeaders(`style-src ${hashOf(within(answer, 'style') ?? '')}; ${policy}`),
});
