import { createHash } from 'node:crypto';
import { errorHeaders, type GatewayError } from '../errors.ts';
import type { ApiResponse } from './api.ts';
import { noStore } from './respond.ts';

const style = `
*{box-sizing:border-box}
body{margin:0;background:#f4f6f8;color:#1b2733;font:17px/1.5 system-ui,sans-serif}
main{max-width:34rem;margin:8vh auto 2rem;padding:2rem;background:#fff;border-radius:10px;box-shadow:0 1px 4px #0002}
h1{margin:0 0 1rem;font-size:1.5rem;line-height:1.25}
p,ul{margin:0 0 1rem}
ul{padding-left:1.2rem}
a{color:#0b5cad}
form{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.5rem 0 1rem}
button{flex:1 1 9rem;padding:.75rem 1rem;border:1px solid #0b5cad;border-radius:8px;font:inherit;cursor:pointer}
button[value=allow]{background:#0b5cad;color:#fff}
button[value=deny]{background:#fff;color:#0b5cad}
button:focus-visible,a:focus-visible{outline:3px solid #f2a900;outline-offset:2px}
small{color:#55636f}
@media(max-width:600px){main{margin:0;min-height:100vh;border-radius:0;padding:1.5rem 1.1rem}}
`;
const styleHash = createHash('sha256').update(style).digest('base64');

/** Text that is safe in HTML. */
export interface Html {
  readonly html: string;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Builds HTML. Every value that is not already HTML is escaped. */
export const html = (parts: TemplateStringsArray, ...values: readonly (string | Html | readonly Html[])[]): Html => ({
  html: parts.reduce((before, part, index) => {
    const value = values[index - 1] ?? '';
    const safe =
      typeof value === 'string'
        ? value.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '')
        : 'html' in value
          ? value.html
          : value.map((one) => one.html).join('');
    return before + safe + part;
  }),
});

/**
 * Headers of every answer to a browser: no storing, framing, sniffing or referrer, and no plain http for a year (RFC
 * 6797, which browsers ignore if the answer itself came over http, as on localhost).
 */
const browserHeaders = (formAction = "'none'"): Record<string, string> => ({
  ...noStore,
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${styleHash}'; form-action ${formAction}; base-uri 'none'; frame-ancestors 'none'`,
  'Referrer-Policy': 'no-referrer',
  'Strict-Transport-Security': 'max-age=31536000',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
});

/** A page for a person. */
export const page = (statusCode: number, title: string, content: Html, formAction?: string): ApiResponse => ({
  statusCode,
  headers: { 'Content-Type': 'text/html; charset=utf-8', ...browserHeaders(formAction) },
  body: html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${{ html: style }}</style></head>
<body><main><h1>${title}</h1>
${content}
</main></body></html>
`.html,
});

const titles: Readonly<Record<string, string>> = {
  method_not_allowed: 'This address cannot be used that way',
  unauthorized_client: 'This app cannot be used here',
  temporarily_unavailable: 'Please try again in a moment',
  server_error: 'Something went wrong on our side',
};

/** An error page for a person, if no redirect is trusted. */
export const errorPage = (error: GatewayError, reference: string): ApiResponse => {
  const title = error.link ? 'This sign-in is finished' : (titles[error.code] ?? 'This link does not work');
  const link = error.link ? html`<p><a href="${error.link.href}">${error.link.text}</a></p>` : html``;
  const answer = page(
    error.status,
    title,
    html`<p>${error.publicMessage}</p>
      ${link}
      <p><small>Reference: ${reference}</small></p>`,
  );
  return { ...answer, headers: { ...answer.headers, ...errorHeaders(error) } };
};

/** Redirects a browser: 302, since 307 would repeat a form (RFC 9700 §4.12). */
export const redirect = (location: string, cookies: readonly string[] = []): ApiResponse => ({
  statusCode: 302,
  headers: { Location: location, ...browserHeaders() },
  ...(cookies.length === 0 ? {} : { multiValueHeaders: { 'Set-Cookie': [...cookies] } }),
  body: '',
});
