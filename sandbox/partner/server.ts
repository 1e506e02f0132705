import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { App } from './actions.ts';
import { problemAnswer, send } from './answer.ts';
import { gatewayClient } from './gateway-client.ts';
import { guarded } from './local-requests.ts';
import { problemOf } from './problem.ts';
import { answer } from './routes.ts';
import { sessionStore } from './sessions.ts';
import type { Settings } from './settings.ts';
import { inboxOf } from './webhooks.ts';

/** One finished request: never its query string. */
interface RequestLogLine {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly ms: number;
}

export interface PartnerAppOptions extends Settings {
  readonly log?: (line: RequestLogLine) => void;
}

export interface PartnerApp {
  readonly url: string;
  /** To register at the gateway. */
  readonly redirectUri: string;
  readonly close: () => Promise<void>;
}

/**
 * Starts the app on localhost: a confidential client with pages for a member and, if asked for, apps that run in the
 * browser alone.
 * @throws the server's own error, such as `EADDRINUSE`
 */
export const startPartnerApp = async (options: PartnerAppOptions): Promise<PartnerApp> => {
  const server = createServer();
  server.listen(options.port, 'localhost');
  await once(server, 'listening');
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  const origin = options.publicOrigin ?? url;
  const redirectUri = `${origin}/callback`;
  const app: App = {
    gateway: gatewayClient({
      gatewayOrigin: options.gatewayOrigin,
      clientId: options.clientId,
      clientSecret: options.clientSecret,
      redirectUri,
    }),
    gatewayOrigin: options.gatewayOrigin,
    clientId: options.clientId,
    identity: options.identity,
    origin,
    payers: options.payers,
    sessions: sessionStore(origin),
    inbox: inboxOf(options.webhookSecrets ?? []),
    browserApps: options.browserApps ?? [],
  };
  const rule = { callers: 'ownPages', origin: options.publicOrigin } as const;
  server.on(
    'request',
    guarded(rule, (request, response) => void serve(app, request, response, options.log)),
  );
  const close = async (): Promise<void> => {
    await closeServer(server);
    app.sessions.close();
  };
  return { url, redirectUri, close };
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
