import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Invocation, LocalFunction } from './lambda.ts';
import { close, listen } from './listen.ts';
import { proxyEvent } from './proxy-event.ts';
import { readBuffered, readPrelude } from './proxy-response.ts';
import { type Match, routerOf } from './routing.ts';
import type { LocalTemplate } from './template.ts';

/** One line of the request log. It never has a query, a token or a body. */
export interface RequestLogLine {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly ms: number;
}

/** What an API Gateway serves. */
interface Api {
  readonly template: Pick<LocalTemplate, 'routes' | 'stageName' | 'binaryMediaTypes'>;
  /** By physical name. */
  readonly functions: ReadonlyMap<string, Pick<LocalFunction, 'invoke'>>;
}

export interface ApiGatewayOptions {
  /** 0 for a free one. */
  readonly port: number;
  readonly log?: (line: RequestLogLine) => void;
  /**
   * API Gateway renames a function's `WWW-Authenticate` to `x-amzn-Remapped-WWW-Authenticate`. An edge in front
   * (CloudFront with Lambda@Edge) gives it its name back, and standard clients need it: so here, unless this is false.
   * @default true
   */
  readonly edge?: boolean;
}

export interface LocalApiGateway {
  readonly port: number;
  /** Requests that came before this wait for it. */
  readonly serve: (api: Api) => void;
  readonly close: () => Promise<void>;
}

/** An answer that API Gateway makes itself. */
interface GatewayResponse {
  readonly status: number;
  readonly message: string;
}

const missingAuthenticationToken = { status: 403, message: 'Missing Authentication Token' };
const badRequest = { status: 400, message: 'Bad Request' };
const requestTooLong = { status: 413, message: 'HTTP content length exceeded 10485760 bytes.' };
const headersTooLarge = { status: 431, message: 'Request Header Fields Too Large' };
const badGateway = { status: 502, message: 'Internal server error' };
const gatewayTimeout = { status: 504, message: 'Endpoint request timed out' };

/** Request line and headers together. */
const headerLimit = 10_240;
const bodyLimit = 10 * 1024 * 1024;
/** What Lambda takes as one event. */
const eventLimit = 6 * 1024 * 1024;

const headerBytes = ({ method = '', url = '', rawHeaders }: IncomingMessage): number =>
  // Each header has `: ` and a line end, the request line its two spaces, version and line end.
  rawHeaders.reduce((sum, part) => sum + Buffer.byteLength(part) + 2, method.length + url.length + 12);

/** The body, or `undefined` where it is too long. */
const readBody = async (request: IncomingMessage): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Read to the end all the same: a client that is still sending would not see the answer.
    if (size <= bodyLimit) chunks.push(chunk);
  }
  return size <= bodyLimit ? Buffer.concat(chunks) : undefined;
};

const answerItself = (response: ServerResponse, { status, message }: GatewayResponse): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
};

/** Starts API Gateway: a regional REST API with its routes, limits and ways. */
export const startApiGateway = async (options: ApiGatewayOptions): Promise<LocalApiGateway> => {
  const { edge = true } = options;
  const { promise: api, resolve: serve } = Promise.withResolvers<Api & { router: ReturnType<typeof routerOf> }>();

  const sendBuffered = async ({ payload }: Invocation, response: ServerResponse): Promise<void> => {
    const { template } = await api;
    const { status, headers, body } = await readBuffered(payload, {
      edge,
      binaryMediaTypes: template.binaryMediaTypes,
    });
    response.writeHead(status, { ...headers, 'content-length': body.length }).end(body);
  };

  const sendStreamed = async ({ payload }: Invocation, response: ServerResponse): Promise<void> => {
    const { status, headers } = await readPrelude(payload, { edge });
    response.writeHead(status, headers);
    // The first byte must not wait for the payer's first.
    response.flushHeaders();
    await pipeline(payload, response);
  };

  /** Invokes the function and passes its answer on. A client that leaves ends the invocation. */
  const integrate = async (match: Match, event: string, requestId: string, response: ServerResponse): Promise<void> => {
    const { functions } = await api;
    const { route } = match;
    const target = functions.get(route.functionName);
    const gone = new AbortController();
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      gone.abort();
    }, route.timeoutMs);
    response.once('close', () => gone.abort());
    try {
      if (target === undefined) throw new Error(`No function ${route.functionName}`);
      const invocation = await target.invoke(event, requestId, gone.signal);
      if (!invocation.ok) throw new Error('The function failed');
      await (route.streaming ? sendStreamed : sendBuffered)(invocation, response);
    } catch {
      // After the first byte nothing is left but to cut the stream.
      if (response.headersSent) response.destroy();
      else answerItself(response, timedOut ? gatewayTimeout : badGateway);
    } finally {
      clearTimeout(timer);
    }
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = randomUUID();
    response.setHeader('x-amzn-requestid', requestId);
    if (headerBytes(request) > headerLimit) return answerItself(response, headersTooLarge);
    const { router, template } = await api;
    const [path = '', query = ''] = (request.url ?? '').split(/\?(.*)/s);
    const match = router(request.method ?? '', path);
    const body = await readBody(request);
    if (match === undefined) return answerItself(response, missingAuthenticationToken);
    if (body === undefined) return answerItself(response, requestTooLong);
    const event = JSON.stringify(proxyEvent(request, { match, path, query, body, requestId, ...template }));
    if (Buffer.byteLength(event) > eventLimit) return answerItself(response, requestTooLong);
    return integrate(match, event, requestId, response);
  };

  // The limit above is stricter; Node's own would cut the connection in a way that API Gateway does not.
  const server = createServer({ maxHeaderSize: 65_536 }, (request, response) => {
    const startedAtMs = performance.now();
    response.once('close', () => {
      const path = (request.url ?? '').replace(/\?.*/s, '');
      const ms = Math.round(performance.now() - startedAtMs);
      options.log?.({ method: request.method ?? '', path, status: response.statusCode, ms });
    });
    handle(request, response).catch((error: unknown) => {
      if (error instanceof URIError) answerItself(response, badRequest);
      else response.destroy();
    });
  });
  const port = await listen(server, options.port, 'localhost');
  return {
    port,
    serve: (served) => serve({ ...served, router: routerOf(served.template.routes) }),
    close: () => close(server),
  };
};
