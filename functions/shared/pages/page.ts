import type { ApiResponse } from '../http/api.ts';
import { browserHeaders } from './browser-headers.ts';
import { footerOf, headerOf } from './frame.ts';
import { html, type Html } from './html.ts';
import { baseStyle } from './style.ts';
import type { PageView } from './view.ts';

/** What a page says, and what it may do. */
export interface PageContent {
  /** @default 200 */
  readonly status?: number;
  /** The heading, and the first part of the window's title. */
  readonly title: string;
  /** What follows the heading. */
  readonly content: Html;
  /** CSP sources that the page's forms may lead to. @default the page itself after a POST, for the other language; else nowhere */
  readonly formAction?: string;
  /** Inline JavaScript, which may call this origin only. The page must work without it. */
  readonly script?: string;
  /** CSS of this page only. */
  readonly styles?: string;
  /** Whether the content has an image of its own, as a `data:` URL. @default false */
  readonly images?: boolean;
}

/** A page for a person, in the view's language, with the operator's name. It loads nothing. */
export const page = (view: PageView, { status = 200, title, content, ...may }: PageContent): ApiResponse => {
  const { language, operator, method } = view;
  const styles = may.styles === undefined ? [baseStyle] : [baseStyle, may.styles];
  const policy = {
    styles,
    script: may.script,
    images: (may.images ?? false) || operator.logo !== undefined,
    formAction: may.formAction ?? (method === 'POST' ? "'self'" : undefined),
  };
  return {
    statusCode: status,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Language': language,
      ...browserHeaders(policy),
    },
    body: html`<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · ${operator.name}</title>${styles.map((style) => html`<style>${{ html: style }}</style>`)}</head>
<body>${headerOf(view)}
<main><h1>${title}</h1>
${content}
</main>
${footerOf(view)}${may.script === undefined ? '' : html`<script>${{ html: may.script }}</script>`}</body></html>
`.html,
  };
};
