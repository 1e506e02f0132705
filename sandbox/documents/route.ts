import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { html, type Html } from '../html.ts';

const policy = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
];

const headers = {
  'content-security-policy': policy.join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

const folder = new URL('../../docs/', import.meta.url);
const first = '/docs/partners/README.md';
/** What is below `docs/`: no dots at the beginning of a name, so nothing above it either. */
const isDocument = (path: string): boolean =>
  /^\/docs\/(?:[\w-]+\/)*[\w-][\w.-]*\.(?:md|txt|yaml|json|mjs|py|sh|html)$/.test(path);

const markdownLink = /\[([^\][]+)\]\(([^()\s]+)\)|<(https?:\/\/[^<>\s]+)>/g;

/** A link's address; undefined if it leads to a file that is not served, such as one of the source. */
const addressOf = (target: string, path: string): string | undefined => {
  const url = URL.parse(target, `http://localhost${path}`);
  if (url === null) return undefined;
  if (/^https?:\/\//.test(target)) return target;
  return isDocument(url.pathname) ? url.pathname : undefined;
};

/** Markdown as its file has it, but that links lead on. */
const withLinks = (text: string, path: string): readonly Html[] => {
  const parts: Html[] = [];
  let end = 0;
  for (const match of text.matchAll(markdownLink)) {
    const [whole, label = '', target = '', bare = ''] = match;
    const address = addressOf(bare === '' ? target : bare, path);
    if (address === undefined) continue;
    parts.push(html`${text.slice(end, match.index)}<a href="${address}">${bare === '' ? label : bare}</a>`);
    end = match.index + whole.length;
  }
  return [...parts, html`${text.slice(end)}`];
};

/** Tables without the spaces that align them, which a narrow window would break. */
const withNarrowTables = (text: string): string =>
  text.replaceAll(/^\|(?: -+ \|)+\n/gm, '').replaceAll(/^\| .*\|$/gm, (row) => row.replaceAll(/ {2,}/g, ' '));

/** A document's page: its first heading, and the rest as text. */
const pageOf = (path: string, text: string): string => {
  const [, title, rest] = /^# (.+)\n+([^]*)$/.exec(text) ?? [];
  const name = path.slice('/docs/'.length);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>${title ?? name} · P2P gateway</title>
<link rel="stylesheet" href="/docs/page.css" />
<link rel="icon" href="/icon.svg" type="image/svg+xml" />
</head>
<body>
<nav aria-label="Documents"><a href="${first}">For partner developers</a> <a href="/docs/README.md">All documents</a> <a href="/">Live view</a></nav>
<main>
<h1>${title ?? name}</h1>
<pre>${withLinks(withNarrowTables(rest ?? text), path)}</pre>
</main>
</body>
</html>
`.markup;
};

const answer = async (
  { method }: IncomingMessage,
  response: ServerResponse,
  { pathname }: URL,
  asRun: (text: string) => string,
): Promise<void> => {
  const say = (status: number, text: string, type = 'text/plain'): void => {
    response.writeHead(status, { ...headers, 'content-type': `${type}; charset=utf-8` }).end(text);
  };
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return say(405, 'These pages can only be read.\n');
  }
  if (pathname === '/docs/page.css') {
    return say(200, await readFile(new URL('static/page.css', import.meta.url), 'utf8'), 'text/css');
  }
  if (/^\/docs\/?$/.test(pathname)) {
    response.writeHead(302, { ...headers, location: first }).end();
    return;
  }
  const missing = `There is no such document. They begin at ${first}.\n`;
  if (!isDocument(pathname)) return say(404, missing);
  const text = await readFile(new URL(pathname.slice('/docs/'.length), folder), 'utf8').catch(() => undefined);
  if (text === undefined) return say(404, missing);
  return pathname.endsWith('.md') ? say(200, pageOf(pathname, asRun(text)), 'text/html') : say(200, asRun(text));
};

/**
 * A page of the live server: the files of `docs/`, as text in which links lead on.
 * @param asRun puts what runs into a text that names the usual ports
 */
export const documents = (asRun: (text: string) => string = (text) => text) => ({
  path: '/docs',
  title: 'Documents',
  answer: (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> =>
    answer(request, response, url, asRun),
});
