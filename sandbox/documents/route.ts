import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { pageHeaders } from '../api-docs/page-headers.ts';
import { html } from '../html.ts';
import { buildSite, hasSite, isBuilt, localFolder } from './build.ts';

const base = '/docs/';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
  '.json': 'application/json',
};

/** The site's script, and the inline scripts of this page by their hash; styles are inline where code is colored. */
const policyOf = (page: string): string => {
  const inline = [...page.matchAll(/<script(?: id="[\w-]+")?>([^]*?)<\/script>/g)].map(
    ([, script = '']) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  );
  return [
    "default-src 'none'",
    `script-src 'self' ${inline.join(' ')}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
};

/** No dots at the beginning of a name, so nothing above the folder. */
const fileOf = (pathname: string): string | undefined => {
  const path = pathname.slice(base.length);
  if (!/^(?:[\w@-][\w.@-]*\/)*(?:[\w@-][\w.@-]*)?$/.test(path)) return undefined;
  return path === '' || path.endsWith('/') ? `${path}index.html` : path;
};

const secondsToWait = 2;

/** What is shown until the site is there; it asks again by itself. */
const waiting = (says: string): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta http-equiv="refresh" content="${String(secondsToWait)}" />
<title>Documents · P2P gateway</title>
</head>
<body>
<h1>The documents are being built</h1>
<p>${says} This page shows them as soon as they are there; it takes half a minute, and only the first time.</p>
</body>
</html>
`.markup;

interface State {
  says: string;
  building?: Promise<void>;
  failure?: string;
}

const isBinary = (file: string): boolean => ['.webp', '.woff2'].includes(extname(file));

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * The documentation site, as a page of the live server. It is built when somebody asks for it first, and again after a
 * document has changed; until then the one before is shown.
 * @param asRun puts what runs into a text that names the usual ports
 * @param folder where the site stands, or will
 */
export const documents = (
  asRun: (text: string) => string = (text) => text,
  folder = localFolder,
  build: typeof buildSite = buildSite,
) => {
  const state: State = { says: '' };
  const begin = (): Promise<void> => {
    state.failure = undefined;
    return build({ folder, base, tell: (says) => (state.says = says) })
      .catch((error: unknown) => (state.failure = reason(error)))
      .then(() => (state.building = undefined));
  };

  const answer = async ({ method }: IncomingMessage, response: ServerResponse, { pathname }: URL): Promise<void> => {
    const say = (status: number, text: string | Buffer, type = 'text/plain; charset=utf-8'): void => {
      const policy = policyOf(type.startsWith('text/html') ? String(text) : '');
      response.writeHead(status, { ...pageHeaders, 'content-security-policy': policy, 'content-type': type }).end(text);
    };
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return say(405, 'These pages can only be read.\n');
    }
    if (pathname === '/docs') {
      response.writeHead(302, { ...pageHeaders, location: base }).end();
      return;
    }
    const file = fileOf(pathname);
    if (file === undefined) return say(404, 'There is no such document.\n');
    // Shown on a page, where somebody reads it.
    if (state.failure !== undefined && (file.endsWith('.html') || !hasSite(folder))) {
      const failure = state.failure;
      state.failure = undefined;
      const next = 'Reload this page to try again. The same pages are Markdown files, in docs/.';
      return say(500, `The documents cannot be built.\n\n${failure}\n\n${next}\n`);
    }
    if (state.building === undefined && !isBuilt(folder)) state.building = begin();
    if (!hasSite(folder)) {
      response.setHeader('retry-after', secondsToWait);
      return say(503, waiting(state.says), types['.html']);
    }
    const bytes = await readFile(join(folder, file)).catch(() => undefined);
    if (bytes === undefined) return say(404, 'There is no such document.\n');
    // Programs to copy are shown, not run.
    const isPage = file.endsWith('.html') && !file.startsWith('examples/');
    const shown = isBinary(file) ? bytes : asRun(String(bytes));
    return say(200, shown, isPage || extname(file) !== '.html' ? types[extname(file)] : undefined);
  };
  return { path: '/docs', title: 'Documents', answer };
};
