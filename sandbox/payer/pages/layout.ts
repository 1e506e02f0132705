import type { ServerResponse } from 'node:http';
import { html } from '../../html.ts';
import type { Html } from '../../html.ts';

/** A payer's branding. */
export interface Brand {
  readonly name: string;
  /** Whose pages these are, beside the name. @default Members */
  readonly area?: string;
  /** From every page that is no step of a sign-in, a way on. @default a payer's */
  readonly links?: Html;
}

export interface Page {
  readonly title: string;
  readonly body: Html;
  /** HTTP status. Default: 200. */
  readonly status?: number;
  /** The step of the sign-in, shown above the title. */
  readonly step?: 1 | 2 | 3;
  /** The names of the steps. @default those of a sign-in at a payer */
  readonly steps?: readonly string[];
  /** Whether a form on this page may redirect to the app that the member came from. */
  readonly leavesPayer?: boolean;
}

const signInSteps: readonly string[] = ['Sign in', 'Verify', 'Allow access'];

/** A whole HTML document. */
export const renderPage = (brand: Brand, page: Page): string => {
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${(page.status ?? 200) === 422 && 'Error: '}${page.title} · ${brand.name}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/style.css" />
      </head>
      <body>
        <header>
          <div class="bar">
            ${mark(brand)}
            <span class="name">${brand.name}</span>
            <span class="area">${brand.area ?? 'Members'}</span>
          </div>
        </header>
        <main>${page.step && stepList(page.step, page.steps ?? signInSteps)}${page.body}</main>
        <footer>
          <p>${brand.name} is a sandbox. Its members are made up; never enter real data.</p>
          ${page.step === undefined && (brand.links ?? sandboxLinks)}
        </footer>
      </body>
    </html>`;
  return document.markup;
};

/** The first letter in a ring: a logo without a request. */
const mark = ({ name }: Brand): Html =>
  html`<svg class="mark" viewBox="0 0 40 40" aria-hidden="true" focusable="false">
    <circle cx="20" cy="20" r="18" fill="none" stroke="currentColor" stroke-width="3" />
    <text x="20" y="27" text-anchor="middle" font-size="20" font-weight="700" fill="currentColor">
      ${name.slice(0, 1)}
    </text>
  </svg>`;

const sandboxLinks = html`<nav aria-label="Sandbox">
  <ul>
    <li><a href="/">Home</a></li>
    <li><a href="/inbox">Inbox</a></li>
    <li><a href="/members">Test members</a></li>
    <li><a href="/admin">Switches</a></li>
  </ul>
</nav>`;

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

const stepList = (current: 1 | 2 | 3, steps: readonly string[]): Html => {
  return html`<ol class="steps" aria-label="Progress">
    ${steps.map((name, index) => {
      const number = index + 1;
      if (number === current) return html`<li aria-current="step">${name}</li>`;
      return number < current ? html`<li class="done">${name}</li>` : html`<li>${name}</li>`;
    })}
  </ol>`;
};
