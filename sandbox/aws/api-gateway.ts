import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { guarded } from '../partner/local-requests.ts';
import type { Edge } from './edge.ts';
import { explained, gatewayAnswer, substitute, type GatewayContext, type OwnAnswer } from './gateway-responses.ts';
import { ThrottledError, type Invocation, type LocalFunction } from './lambda.ts';
import { close, listen } from './listen.ts';
import { proxyEvent } from './proxy-event.ts';
import { lambdaPace, readBuffered, readPrelude, streamedAnswer, type StreamPace } from './proxy-response.ts';
import { routerOf, type Match } from './routing.ts';
import type { LocalTemplate } from './template.ts';

/** One line of the request log. It never contains a query, token or body. */
export interface RequestLogLine {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly ms: number;
}

/** What an API Gateway serves. */
interface Api {
  readonly template: Pick<
    LocalTemplate,
    'routes' | 'stageName' | 'binaryMediaTypes' | 'gatewayResponses' | 'accessLog'
  >;
  /** By physical name. */
  readonly functions: ReadonlyMap<string, Pick<LocalFunction, 'invoke'>>;
  /** What sits in front of the API. */
  readonly edge: Edge;
  /** Gets a line of the access log for each request, after its answer was sent. */
  readonly writeAccessLog: (line: string) => void;
}

export interface ApiGatewayOptions {
  /** 0 for any free port. */
  readonly port: number;
  /** The public origin, if that is not this machine's own name and port. */
  readonly origin?: string | undefined;
  readonly log?: (line: RequestLogLine) => void;
  /** How fast functions stream. @default as Lambda does */
  readonly pace?: StreamPace | undefined;
  /** Gets the physical name of each function that is invoked for a request, and the id of the invocation. */
  readonly onInvoke?: (response: ServerResponse, functionName: string, invocationId: string) => void;
}

export interface LocalApiGateway {
  readonly port: number;
  /** Requests that arrive earlier wait for this call. */
  readonly serve: (api: Api) => void;
  readonly close: () => Promise<void>;
}

const missingAuthenticationToken: OwnAnswer = {
  type: 'MISSING_AUTHENTICATION_TOKEN',
  status: 403,
  message: 'Missing Authentication Token',
};
const badRequest: OwnAnswer = { type: 'DEFAULT_4XX', status: 400, message: 'Bad Request' };
const requestTooLong: OwnAnswer = {
  type: 'REQUEST_TOO_LARGE',
  status: 413,
  message: 'HTTP content length exceeded 10485760 bytes.',
};
const headersTooLarge: OwnAnswer = { type: 'DEFAULT_4XX', status: 431, message: 'Request Header Fields Too Large' };
const badGateway: OwnAnswer = { type: 'DEFAULT_5XX', status: 502, message: 'Internal server error' };
/**
 * Lambda's own 429 never reaches the caller (https://repost.aws/knowledge-center/api-gateway-internal-server-error).
 */
const throttled: OwnAnswer = { type: 'INTEGRATION_FAILURE', status: 500, message: 'Internal server error' };
const gatewayTimeout: OwnAnswer = { type: 'INTEGRATION_TIMEOUT', status: 504, message: 'Endpoint request timed out' };

/** Request line and headers together. */
const headerLimit = 10_240;
const bodyLimit = 10 * 1024 * 1024;
/** The most that Lambda accepts as one event. */
const eventLimit = 6 * 1024 * 1024;

const headerBytes = ({ method = '', url = '', rawHeaders }: IncomingMessage): number =>
  // Each header has `: ` and a line end, the request line its two spaces, version and line end.
  rawHeaders.reduce((sum, part) => sum + Buffer.byteLength(part) + 2, method.length + url.length + 12);

/** The body, or `undefined` if it is too long. */
const readBody = async (request: IncomingMessage): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Read to the end anyway, since a client that is still sending would not see the answer.
    if (size <= bodyLimit) chunks.push(chunk);
  }
  return size <= bodyLimit ? Buffer.concat(chunks) : undefined;
};

/** A request in progress. */
interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** What the access log says about it in addition to its context, by variable. */
  readonly noted: Record<string, string>;
  /** Resolves when the answer was sent, or the client has left. */
  readonly left: Promise<unknown>;
}

const drained = (response: ServerResponse): Promise<unknown> => once(response, 'drain').catch(() => undefined);

const contextOf = ({ request, requestId }: Call, stage: string): GatewayContext => ({
  requestId,
  extendedRequestId: Buffer.from(requestId.replaceAll('-', ''), 'hex').toString('base64'),
  stage,
  httpMethod: request.method ?? '',
  path: (request.url ?? '').replace(/\?.*/s, ''),
  'identity.sourceIp': request.socket.remoteAddress ?? '',
});

/** Starts API Gateway: a regional REST API with its routes, limits and error responses. */
export const startApiGateway = async (options: ApiGatewayOptions): Promise<LocalApiGateway> => {
  const { pace = lambdaPace } = options;
  const { promise: api, resolve: serve } = Promise.withResolvers<Api & { router: ReturnType<typeof routerOf> }>();

  /** An answer that API Gateway makes itself. */
  const answerItself = async (call: Call, own: OwnAnswer, why?: string): Promise<void> => {
    const { template, edge } = await api;
    const { request, response } = call;
    const context = contextOf(call, template.stageName);
    call.noted['error.responseType'] = own.type;
    const { body, ...head } = gatewayAnswer(own, request, template.gatewayResponses, context);
    const { status, headers } = await edge(request, head);
    response.writeHead(status, headers).end(why === undefined ? body : explained(body, why));
  };

  const logAccess = async (call: Call, ms: number): Promise<void> => {
    const { template, writeAccessLog } = await api;
    if (template.accessLog === undefined) return;
    const { statusCode } = call.response;
    const context = { ...contextOf(call, template.stageName), ...call.noted };
    const line = { ...context, status: String(statusCode), responseLatency: String(ms) };
    writeAccessLog(substitute(template.accessLog.format, line, '-'));
  };

  const sendBuffered = async ({ payload }: Invocation, { request, response }: Call): Promise<void> => {
    const { template, edge } = await api;
    const { body, ...head } = await readBuffered(payload, template.binaryMediaTypes);
    const { status, headers } = await edge(request, head);
    response.writeHead(status, { ...headers, 'content-length': body.length }).end(body);
  };

  const sendStreamed = async ({ payload }: Invocation, { request, response, left }: Call): Promise<void> => {
    const { edge } = await api;
    const { status, headers } = await edge(request, await readPrelude(payload));
    response.writeHead(status, headers);
    // The first byte must not wait for the payer's first.
    response.flushHeaders();
    const chunks = payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    for await (const chunk of streamedAnswer(chunks, { pace })) {
      // Where nobody reads any more, the function is not told, and streams to its end.
      if (!response.destroyed && !response.write(chunk)) await Promise.race([drained(response), left]);
    }
    response.end();
  };

  /**
   * Invokes the function and passes its answer on. A client that leaves, or a time-out here, does not end the invocation:
   * https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
   */
  const integrate = async (match: Match, event: string, call: Call): Promise<void> => {
    const { functions } = await api;
    const { response, noted } = call;
    const { route } = match;
    // Lambda's invocation id differs from API Gateway's request id.
    const invocationId = randomUUID();
    noted['integration.requestId'] = invocationId;
    const target = functions.get(route.functionName);
    options.onInvoke?.(response, route.functionName, invocationId);
    const late = Promise.withResolvers<never>();
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      late.reject(new Error('Too late'));
    }, route.timeoutMs);
    let called: Promise<Invocation> | undefined;
    try {
      if (target === undefined) throw new Error(`No function ${route.functionName}`);
      called = target.invoke(event, invocationId);
      const send = async (invocation: Invocation): Promise<void> => {
        if (!invocation.ok) throw new Error('The function failed');
        await (route.streaming ? sendStreamed : sendBuffered)(invocation, call);
      };
      await Promise.race([called.then(send), late.promise]);
    } catch (error) {
      // An answer that is not read to its end would block the function.
      called?.then(({ payload }) => payload.on('error', () => {}).resume()).catch(() => {});
      // After the first byte, all that remains is to cut the stream.
      if (response.headersSent) response.destroy();
      else if (timedOut) await answerItself(call, gatewayTimeout);
      else if (error instanceof ThrottledError) await answerItself(call, throttled, error.localReason);
      else await answerItself(call, badGateway);
    } finally {
      clearTimeout(timer);
    }
  };

  const handle = async (call: Call): Promise<void> => {
    const { request, response, requestId, noted } = call;
    response.setHeader('x-amzn-requestid', requestId);
    if (headerBytes(request) > headerLimit) return answerItself(call, headersTooLarge);
    const { router, template } = await api;
    const [path = '', query = ''] = (request.url ?? '').split(/\?(.*)/s);
    const match = router(request.method ?? '', path);
    if (match !== undefined) noted['resourcePath'] = match.route.path;
    const body = await readBody(request);
    if (match === undefined) return answerItself(call, missingAuthenticationToken);
    if (body === undefined) return answerItself(call, requestTooLong);
    const event = JSON.stringify(proxyEvent(request, { match, path, query, body, requestId, ...template }));
    if (Buffer.byteLength(event) > eventLimit) return answerItself(call, requestTooLong);
    return integrate(match, event, call);
  };
  const serveOne = async (call: Call): Promise<void> => {
    try {
      await handle(call);
    } catch (error) {
      if (error instanceof URIError) await answerItself(call, badRequest);
      else call.response.destroy();
    }
  };

  // The limit above is stricter. Node's own limit would close the connection, which API Gateway does not do.
  const serveRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const startedAtMs = performance.now();
    const left = new Promise((resolve) => void response.once('close', resolve));
    const noted = { requestTimeEpoch: String(Date.now()) };
    const call = { request, response, requestId: randomUUID(), noted, left };
    response.once('close', () => {
      const path = (request.url ?? '').replace(/\?.*/s, '');
      const ms = Math.round(performance.now() - startedAtMs);
      options.log?.({ method: request.method ?? '', path, status: response.statusCode, ms });
      void logAccess(call, ms);
    });
    serveOne(call).catch(() => response.destroy());
  };
  // The product has its own rules for pages of other origins.
  const rule = { callers: 'anyPage', origin: options.origin } as const;
  const server = createServer({ maxHeaderSize: 65_536 }, guarded(rule, serveRequest));
  const port = await listen(server, options.port, 'localhost');
  return {
    port,
    serve: (served) => serve({ ...served, router: routerOf(served.template.routes) }),
    close: () => close(server),
  };
};
