import { brand as ownBrand } from '../brand.ts';
import type { Brand } from '../brand.ts';
import { html } from '../html.ts';
import type { Html } from '../html.ts';

export interface PageParts {
  readonly title: string;
  readonly content: Html;
  /** @default this app's own */
  readonly brand?: Brand;
  /** Paths on this server. */
  readonly scripts?: readonly string[];
  readonly styles?: readonly string[];
  /** When the page is looked at again by itself: by reload.js or, without scripts, by the browser. */
  readonly reloadAfterSeconds?: number;
}

/** A whole page. */
export const page = ({ title, content, brand = ownBrand, scripts = [], styles = [], ...parts }: PageParts): string => {
  const { reloadAfterSeconds: reload } = parts;
  const allScripts = reload === undefined ? scripts : [...scripts, '/reload.js'];
  const whole = html`<!doctype html>
    <html lang="en" ${reload !== undefined && html`data-reload="${reload}"`}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        ${reload !== undefined && html`<noscript><meta http-equiv="refresh" content="${reload}" /></noscript>`}
        <title>${title} · ${brand.name}</title>
        <link rel="icon" href="${brand.logo}" />
        ${['/style.css', ...styles].map((path) => html`<link rel="stylesheet" href="${path}" />`)}
        ${allScripts.map((path) => html`<script defer src="${path}"></script>`)}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header>
          <div class="bar">
            <a class="brand" href="${brand.home}"
              ><img src="${brand.logo}" alt="" width="32" height="32" />${brand.name}</a
            ><span class="tag">Sandbox</span>
          </div>
        </header>
        <main id="main">${content}</main>
        <footer><div class="foot">${brand === ownBrand ? ownFooter : otherFooter}</div></footer>
      </body>
    </html> `;
  return whole.markup;
};

const ownFooter = html`<p>
  A sample app with made-up people. It keeps your record on its server while you look at it, and shows it to this browser
  only.
</p>`;

const otherFooter = html`<p>
  A sample app with made-up people. It keeps your record in this browser, until you close the tab.
  <a href="/">${ownBrand.name}</a>
</p>`;
