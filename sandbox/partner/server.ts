import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beginSignIn, disconnect, finishSignIn, home, readAgain, showRecord } from './actions.ts';
import type { App } from './actions.ts';
import { notAllowed, notFound, problemAnswer, send, staleForm } from './answer.ts';
import type { Answer } from './answer.ts';
import { gatewayClient } from './gateway-client.ts';
import { problemOf } from './problem.ts';
import { sessionStore } from './sessions.ts';
import { browserApps, landingPage, launchPage } from './smart-pages.ts';

/** One finished request: never its query string. */
interface RequestLogLine {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly ms: number;
}

export interface PartnerAppOptions {
  /** Port on localhost; 0 for any free port. */
  readonly port: number;
  readonly gatewayOrigin: string;
  readonly payers: readonly { readonly id: string; readonly displayName: string }[];
  readonly log?: (line: RequestLogLine) => void;
}

const largestForm = 10_000;
const files: Readonly<Record<string, { file: URL; type: string }>> = {
  '/style.css': { file: new URL('static/style.css', import.meta.url), type: 'text/css; charset=utf-8' },
  '/logo.svg': { file: new URL('static/logo.svg', import.meta.url), type: 'image/svg+xml' },
  '/app/app.js': { file: new URL('static/app.js', import.meta.url), type: 'text/javascript; charset=utf-8' },
  '/app/fhir-client.js': {
    // By path, since the package's `exports` do not name its browser build.
    file: new URL('../../node_modules/fhirclient/build/fhir-client.js', import.meta.url),
    type: 'text/javascript; charset=utf-8',
  },
};

/**
 * Starts the demo partner app on localhost: a confidential client (`demo-partner`) with pages for a member, and two
 * browser-only apps (`/app`, `/third-party`).
 * @throws the server's own error, such as `EADDRINUSE`
 */
export const startPartnerApp = async (options: PartnerAppOptions): Promise<{ url: string; close(): Promise<void> }> => {
  const server = createServer();
  server.listen(options.port, 'localhost');
  await once(server, 'listening');
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const app: App = {
    gateway: gatewayClient({
      gatewayOrigin: options.gatewayOrigin,
      clientId: 'demo-partner',
      clientSecret: 'demo-partner-secret',
      redirectUri: `${origin}/callback`,
    }),
    gatewayOrigin: options.gatewayOrigin,
    origin,
    payers: options.payers,
    sessions: sessionStore(),
  };
  server.on('request', (request, response) => void serve(app, request, response, options.log));
  return { url: origin, close: () => closeServer(server) };
};

const closeServer = async (server: Server): Promise<void> => {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
};

const serve = async (
  app: App,
  request: IncomingMessage,
  response: ServerResponse,
  log: PartnerAppOptions['log'],
): Promise<void> => {
  const startedMs = performance.now();
  const url = urlOf(app.origin, request);
  response.on('finish', () => {
    const ms = Math.round(performance.now() - startedMs);
    log?.({ method: request.method ?? '', path: url.pathname, status: response.statusCode, ms });
  });
  try {
    await send(app.gatewayOrigin, response, await answer(app, url, request, response));
  } catch (error) {
    await send(app.gatewayOrigin, response, problemAnswer(problemOf(error, 'your health plan'), undefined));
  }
};

/** Joined, not resolved, so that `//host/` is a path. An invalid URL becomes a page that does not exist. */
const urlOf = (origin: string, request: IncomingMessage): URL => {
  return URL.parse(`${origin}${request.url}`) ?? new URL('/no-such-page', origin);
};

const answer = async (app: App, url: URL, request: IncomingMessage, response: ServerResponse): Promise<Answer> => {
  const isPost = request.method === 'POST';
  if (!isPost && request.method !== 'GET' && request.method !== 'HEAD') return notAllowed();
  const [, first = '', second, third, ...rest] = url.pathname.split('/');
  if (rest.length > 0) return notFound();
  const known = files[url.pathname];
  if (known && !isPost) return known;
  const browserApp = browserApps.find((candidate) => candidate.path === `/${first}`);
  if (browserApp && !isPost) {
    if (second === undefined)
      return { status: 200, page: launchPage(browserApp, app.payers, app.gateway.base), scripts: true };
    return second === 'callback' ? { status: 200, page: landingPage(browserApp), scripts: true } : notFound();
  }
  const session = app.sessions.of(request, response);
  if (url.pathname === '/' && !isPost) return home(app, session, url);
  if (url.pathname === '/callback' && !isPost) return finishSignIn(app, session, url);
  const payer = app.payers.find((candidate) => candidate.id === second);
  if (!payer) return notFound();
  if (first === 'connect' && third === undefined && !isPost) return beginSignIn(app, session, payer);
  if (first !== 'record') return notFound();
  if (third === undefined && !isPost) return showRecord(app, session, payer);
  if (!isPost || (third !== 'read' && third !== 'disconnect')) return notFound();
  const form = await formOf(request);
  if (form?.get('form_token') !== session.formToken) return problemAnswer(staleForm, undefined);
  return third === 'read' ? readAgain(session, payer) : disconnect(app, session, payer);
};

const formOf = async (request: IncomingMessage): Promise<URLSearchParams | undefined> => {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > largestForm) return undefined;
  }
  return new URLSearchParams(text);
};
