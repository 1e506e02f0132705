import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { pageHeaders } from '../api-docs/page-headers.ts';
import { close, listen } from '../aws/listen.ts';
import { localRefusal } from '../partner/local-requests.ts';
import type { Hub } from './hub.ts';
import { streamTo } from './stream.ts';

/** Further pages of the live server. */
export interface LiveRoute {
  /** The text of the link to it. */
  readonly title: string;
  /** It answers this path and everything below it. */
  readonly path: string;
  readonly answer: (request: IncomingMessage, response: ServerResponse, url: URL) => void | Promise<void>;
}

export interface LiveServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

interface LiveServerOptions {
  /** 0 for any free port. */
  readonly port: number;
  readonly hub: Hub;
  /** What the page says about the stack. */
  readonly about: () => object;
  readonly routes?: readonly LiveRoute[];
}

/** Nothing from elsewhere, no inline script or style, no frame, and no markup made from text. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const headers = {
  'content-security-policy': policy,
  ...pageHeaders,
};

const files: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
  '/live.css': ['live.css', 'text/css; charset=utf-8'],
  ...Object.fromEntries(
    ['live', 'store', 'rows', 'panel', 'text'].map((name) => [
      `/${name}.js`,
      [`${name}.js`, 'text/javascript; charset=utf-8'] as const,
    ]),
  ),
};

const say = (response: ServerResponse, status: number, text: string): void => {
  response.writeHead(status, { ...headers, 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
};

const isFor = ({ path }: LiveRoute, asked: string): boolean => asked === path || asked.startsWith(`${path}/`);

/**
 * Starts the live view on localhost.
 * @throws the server's own error, such as `EADDRINUSE`
 */
export const startLiveServer = async ({ port, hub, about, routes = [] }: LiveServerOptions): Promise<LiveServer> => {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const refusal = localRefusal(request, { callers: 'ownPages' });
    if (refusal !== undefined) return say(response, refusal.status, refusal.text);
    const url = URL.parse(`http://localhost${request.url ?? '/'}`);
    if (url === null) return say(response, 400, 'The address cannot be read.');
    const route = routes.find((one) => isFor(one, url.pathname));
    if (route !== undefined) return route.answer(request, response, url);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return say(response, 405, 'This page can only be read.');
    }
    if (url.pathname === '/events') return streamTo(request, response, hub, headers);
    if (url.pathname === '/about') {
      response.writeHead(200, { ...headers, 'content-type': 'application/json' }).end(JSON.stringify(about()));
      return;
    }
    const file = Object.hasOwn(files, url.pathname) ? files[url.pathname] : undefined;
    if (file === undefined) return say(response, 404, 'There is no such page. The live view is at /.');
    const content = await readFile(new URL(`static/${file[0]}`, import.meta.url));
    response.writeHead(200, { ...headers, 'content-type': file[1] }).end(content);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => {
      if (response.headersSent) response.destroy();
      else say(response, 500, 'The page could not be made.');
    });
  });
  return { port: await listen(server, port, 'localhost'), close: () => close(server) };
};
