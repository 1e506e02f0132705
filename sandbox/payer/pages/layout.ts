import type { ServerResponse } from 'node:http';
import { html } from '../../html.ts';
import type { Html } from '../../html.ts';

/** A payer's branding. */
export interface Brand {
  readonly name: string;
  readonly colour: string;
}

export interface Page {
  readonly title: string;
  readonly body: Html;
  /** HTTP status. Default: 200. */
  readonly status?: number;
  /** The step of the sign-in, shown above the title. */
  readonly step?: 1 | 2 | 3;
  /** Whether a form on this page may redirect to the app that the member came from. */
  readonly leavesPayer?: boolean;
}

const steps = ['Sign in', 'Verify', 'Allow access'] as const;

/** A whole HTML document. */
export const renderPage = (brand: Brand, page: Page): string => {
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${page.title} · ${brand.name}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/style.css" />
      </head>
      <body>
        <header>
          <div class="bar">
            <span class="mark" aria-hidden="true">${brand.name.slice(0, 1)}</span>
            <span class="name">${brand.name}</span>
            <span class="area">Members</span>
          </div>
        </header>
        <main>${page.step && stepList(page.step)}${page.body}</main>
        <footer>${brand.name} is a sandbox. Its members are made up; never enter real data.</footer>
      </body>
    </html>`;
  return document.markup;
};

/** The headers of every page: no caching, framing or `Referer`. */
export const pageHeaders = (page: Pick<Page, 'leavesPayer'>): Record<string, string> => {
  // Chrome applies form-action to every redirect after a form. The last form of a sign-in leads to the app, and from
  // there to URLs that this server cannot know, so that page has no form-action.
  const formAction = page.leavesPayer ? '' : "; form-action 'self'";
  return {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': `default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'${formAction}`,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
};

/** Sends a page. */
export const sendPage = (res: ServerResponse, brand: Brand, page: Page): void => {
  res.writeHead(page.status ?? 200, pageHeaders(page)).end(renderPage(brand, page));
};

/** A page that says what went wrong, and what to do. */
export const messagePage = (title: string, sentences: readonly string[], status: number): Page => {
  return {
    title,
    status,
    body: html`<h1>${title}</h1>
      ${sentences.map((sentence) => html`<p>${sentence}</p>`)}`,
  };
};

const stepList = (current: 1 | 2 | 3): Html => {
  return html`<ol class="steps" aria-label="Progress">
    ${steps.map((name, index) => {
      const number = index + 1;
      if (number === current) return html`<li aria-current="step">${name}</li>`;
      return number < current ? html`<li class="done">${name}</li>` : html`<li>${name}</li>`;
    })}
  </ol>`;
};
