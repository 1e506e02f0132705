import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { gatewayClient } from './gateway-client.ts';
import type { GatewayClient, Tokens } from './gateway-client.ts';
import { homePage, problemPage, recordPage } from './pages.ts';
import type { PayerChoice } from './pages.ts';
import { expiredSignIn, problemOf } from './problem.ts';
import type { Problem } from './problem.ts';
import { readRecord, summaryOf } from './record.ts';
import type { RecordSummary } from './record.ts';
import { rememberSignIn, sessionStore } from './sessions.ts';
import type { Connection, Session } from './sessions.ts';
import { browserApps, landingPage, launchPage } from './smart-pages.ts';

/** One finished request: never its query string. */
export interface RequestLogLine {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly ms: number;
}

export interface PartnerAppOptions {
  /** Port on localhost; 0 takes a free one. */
  readonly port: number;
  readonly gatewayOrigin: string;
  readonly payers: readonly { readonly id: string; readonly displayName: string }[];
  readonly log?: (line: RequestLogLine) => void;
}

interface App {
  readonly gateway: GatewayClient;
  readonly gatewayOrigin: string;
  readonly origin: string;
  readonly payers: readonly PayerChoice[];
  readonly sessions: ReturnType<typeof sessionStore>;
}

type Answer =
  | { readonly status: number; readonly page: string; readonly scripts?: boolean }
  | { readonly redirect: string }
  | { readonly file: URL; readonly type: string };

const renewBeforeMs = 30_000;
const largestForm = 10_000;
const files: Readonly<Record<string, { file: URL; type: string }>> = {
  '/style.css': { file: new URL('static/style.css', import.meta.url), type: 'text/css; charset=utf-8' },
  '/logo.svg': { file: new URL('static/logo.svg', import.meta.url), type: 'image/svg+xml' },
  '/app/app.js': { file: new URL('static/app.js', import.meta.url), type: 'text/javascript; charset=utf-8' },
  '/app/fhir-client.js': {
    // By its path: the package's `exports` do not name its browser build.
    file: new URL('../../node_modules/fhirclient/build/fhir-client.js', import.meta.url),
    type: 'text/javascript; charset=utf-8',
  },
};

/**
 * Starts the demo partner app on localhost: a confidential client (`demo-partner`) with pages for a member, and two
 * apps that run in the browser alone (`/app`, `/third-party`).
 * @throws the server's own error, such as `EADDRINUSE`
 */
export async function startPartnerApp(options: PartnerAppOptions): Promise<{ url: string; close(): Promise<void> }> {
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
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

async function serve(
  app: App,
  request: IncomingMessage,
  response: ServerResponse,
  log: PartnerAppOptions['log'],
): Promise<void> {
  const startedMs = performance.now();
  const url = new URL(request.url ?? '/', app.origin);
  response.on('finish', () => {
    const ms = Math.round(performance.now() - startedMs);
    log?.({ method: request.method ?? '', path: url.pathname, status: response.statusCode, ms });
  });
  try {
    await send(app, response, await answer(app, url, request, response));
  } catch (error) {
    const problem = problemOf(error, 'your health plan');
    await send(app, response, { status: problem.status, page: problemPage(problem, undefined) });
  }
}

async function answer(app: App, url: URL, request: IncomingMessage, response: ServerResponse): Promise<Answer> {
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
}

function home(app: App, session: Session, url: URL): Answer {
  const gone = app.payers.find((payer) => payer.id === url.searchParams.get('disconnected'));
  const notice = gone && !session.connections.has(gone.id) ? `${gone.displayName} is disconnected.` : undefined;
  return { status: 200, page: homePage(app.payers, new Set(session.connections.keys()), notice) };
}

async function beginSignIn(app: App, session: Session, payer: PayerChoice): Promise<Answer> {
  try {
    const { url, state, signIn } = await app.gateway.begin(payer.id);
    rememberSignIn(session, state, signIn);
    return { redirect: url };
  } catch (error) {
    return problemAnswer(problemOf(error, payer.displayName), payer);
  }
}

async function finishSignIn(app: App, session: Session, url: URL): Promise<Answer> {
  const state = url.searchParams.get('state') ?? '';
  const signIn = session.signIns.get(state);
  // Deleted before anything else happens: a reload of this page must not send the code a second time.
  session.signIns.delete(state);
  const payer = app.payers.find((candidate) => candidate.id === signIn?.payerId);
  if (!signIn || !payer) return problemAnswer(expiredSignIn, undefined);
  try {
    const tokens = await app.gateway.finish(signIn, state, new URL(url.pathname + url.search, app.origin));
    session.connections.set(payer.id, { tokens, record: undefined });
    return { redirect: `/record/${payer.id}` };
  } catch (error) {
    return problemAnswer(problemOf(error, payer.displayName), payer);
  }
}

async function showRecord(app: App, session: Session, payer: PayerChoice): Promise<Answer> {
  const connection = session.connections.get(payer.id);
  if (!connection) return { redirect: '/' };
  try {
    connection.record ??= readThroughGateway(app, payer, connection);
    const record = await connection.record;
    return { status: 200, page: recordPage(payer, app.gateway.base(payer.id), record, session.formToken) };
  } catch (error) {
    connection.record = undefined;
    const problem = problemOf(error, payer.displayName);
    // Only an ended connection is forgotten: a payer that is down for a minute costs the member no new sign-in.
    const ended = problem.next === 'connect' && problem.status === 200;
    if (ended) session.connections.delete(payer.id);
    return problemAnswer(ended ? problem : { ...problem, next: 'reload' }, payer);
  }
}

async function readThroughGateway(app: App, payer: PayerChoice, connection: Connection): Promise<RecordSummary> {
  if (connection.tokens.expiresAtMs - renewBeforeMs < Date.now() && connection.tokens.refreshToken !== undefined) {
    connection.tokens = await app.gateway.renew(payer.id, connection.tokens);
  }
  const { accessToken, patientId }: Tokens = connection.tokens;
  const read = await app.gateway.reader(payer.id, accessToken);
  return summaryOf(await readRecord(app.gateway.base(payer.id), read, patientId), Date.now());
}

function readAgain(session: Session, payer: PayerChoice): Answer {
  const connection = session.connections.get(payer.id);
  if (connection) connection.record = undefined;
  return { redirect: `/record/${payer.id}` };
}

async function disconnect(app: App, session: Session, payer: PayerChoice): Promise<Answer> {
  const connection = session.connections.get(payer.id);
  try {
    if (connection) await app.gateway.revoke(payer.id, connection.tokens);
  } catch (error) {
    // Still connected: to say otherwise would leave a grant alive that the member believes gone.
    return problemAnswer({ ...problemOf(error, payer.displayName), next: 'reload' }, payer);
  }
  session.connections.delete(payer.id);
  return { redirect: `/?disconnected=${payer.id}` };
}

const staleForm: Problem = {
  status: 403,
  title: 'This page was open for too long',
  text: 'Nothing was changed. Go back to the start and try again.',
  next: 'connect',
  detail: 'form token',
};

function problemAnswer(problem: Problem, payer: PayerChoice | undefined): Answer {
  return { status: problem.status, page: problemPage(problem, payer) };
}

function notFound(): Answer {
  const problem: Problem = {
    status: 404,
    title: 'There is no such page',
    text: 'The address may be mistyped, or the page has moved.',
    next: 'connect',
    detail: '404',
  };
  return problemAnswer(problem, undefined);
}

function notAllowed(): Answer {
  return problemAnswer({ ...staleForm, status: 405, title: 'This page can only be read', detail: '405' }, undefined);
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > largestForm) return undefined;
  }
  return new URLSearchParams(text);
}

async function send(app: App, response: ServerResponse, result: Answer): Promise<void> {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Cache-Control', 'no-store');
  if ('redirect' in result) {
    response.writeHead(303, { Location: result.redirect }).end();
    return;
  }
  if ('file' in result) {
    response.writeHead(200, { 'Content-Type': result.type }).end(await readFile(result.file));
    return;
  }
  const scripts = result.scripts ? `; script-src 'self'; connect-src 'self' ${app.gatewayOrigin}` : '';
  const policy = `default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`;
  response.setHeader('Content-Security-Policy', policy + scripts);
  response.writeHead(result.status, { 'Content-Type': 'text/html; charset=utf-8' }).end(result.page);
}
