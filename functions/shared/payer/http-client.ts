import { addAbortListener } from 'node:events';
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { acceptEncoding, decodeBody, isDecodable, UnusableAnswer } from './decode-body.ts';
import type { PayerBody, PayerHttp, PayerRequest, PayerResponse } from './http.ts';

/*
 * HTTP/1.1 with Node's own client, which the AWS SDK has already loaded. `fetch` would load undici, and Node 24's
 * undici crashes the process when a body ends while nobody reads it (nodejs/undici#5360).
 */

/** Limits of a connection, in milliseconds. A request's own limits come with its signal. */
interface Limits {
  /** To open a connection, TLS included. */
  readonly connectMs: number;
  /** To wait for the next byte of a body. */
  readonly idleMs: number;
  /** To keep an idle connection open, unless the payer's `Keep-Alive` ends it earlier. With 0 none is kept. */
  readonly keptMs: number;
}

const usualLimits: Limits = { connectMs: 10_000, idleMs: 300_000, keptMs: 4000 };

/** The client and its agents for one URL scheme. */
interface Transport {
  readonly request: typeof httpsRequest;
  /** The event that says a connection is open. */
  readonly opened: 'connect' | 'secureConnect';
  /** Keeps connections open for further requests. */
  readonly kept: HttpAgent;
  /** Opens a connection per request. */
  readonly single: HttpAgent;
}

const transportsOf = ({ keptMs }: Limits): Readonly<Record<string, Transport>> => {
  const kept = keptMs === 0 ? {} : { keepAlive: true, timeout: keptMs };
  return {
    'http:': { request: httpRequest, opened: 'connect', kept: new HttpAgent(kept), single: new HttpAgent() },
    'https:': { request: httpsRequest, opened: 'secureConnect', kept: new HttpsAgent(kept), single: new HttpsAgent() },
  };
};

/** The payer closed a kept-alive connection and did not answer the request that was just sent over it. */
class StaleConnection extends Error {}

const isClosed = (error: Error): boolean => 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');

/**
 * Closes an idle connection on which bytes arrive: they would be taken for the answer to the next request. Newer versions of
 * Node do this too, but Lambda chooses the version.
 */
const closeOnStrayBytes = function (this: Socket): void {
  this.destroy();
};

const watchConnection = (request: ClientRequest, socket: Socket, { opened }: Transport, connectMs: number): void => {
  socket.off('data', closeOnStrayBytes);
  // Before the agent gives the connection to the next request.
  request.once('close', () => socket.on('data', closeOnStrayBytes));
  if (!socket.connecting) return;
  const late = setTimeout(
    () => request.destroy(Object.assign(new Error('No connection in time'), { code: 'ETIMEDOUT' })),
    connectMs,
  );
  for (const [emitter, event] of [
    [socket, opened],
    [request, 'close'],
  ] as const) {
    emitter.once(event, () => clearTimeout(late));
  }
};

/**
 * Sends a request and resolves with the head of its answer. Whatever ends the call later ends the answer's body.
 */
const send = (
  url: URL,
  { method = 'GET', headers, body, signal }: PayerRequest,
  { transport, agent, connectMs }: { transport: Transport; agent: HttpAgent; connectMs: number },
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    let message: IncomingMessage | undefined;
    const request = transport.request(url, {
      agent,
      method,
      headers: { accept: '*/*', 'accept-encoding': acceptEncoding, 'user-agent': 'p2p-gateway', ...headers },
      // Node would keep only the first of a repeated header.
      joinDuplicateHeaders: true,
    });
    // All headers are kept; the parser limits their size to 16 KB.
    request.maxHeadersCount = 0;
    const end = (reason: Error): void => void (message ?? request).destroy(reason);
    const abort = signal === undefined ? undefined : addAbortListener(signal, () => end(signal.reason as Error));
    request.once('socket', (socket) => watchConnection(request, socket, transport, connectMs));
    request.once('response', (answer) => {
      message = answer;
      // Kept for the body's reader.
      answer.on('error', () => undefined);
      answer.once('close', () => abort?.[Symbol.dispose]());
      resolve(answer);
    });
    request.once('upgrade', (_answer, socket) => {
      socket.destroy();
      reject(new UnusableAnswer('UPGRADE'));
    });
    request.on('error', (error) => {
      if (message !== undefined) {
        // Bytes after the end of a body count, too.
        if (!message.readableEnded) message.destroy(error);
        return;
      }
      abort?.[Symbol.dispose]();
      reject(request.reusedSocket && isClosed(error) ? new StaleConnection('stale', { cause: error }) : error);
    });
    request.end(body);
  });

/** Passes the bytes on, as long as the payer never pauses for longer than `idleMs`. */
const endWhenIdle = async function* (bytes: AsyncIterable<Uint8Array>, message: IncomingMessage, idleMs: number) {
  let waits = true;
  const timer = setTimeout(() => {
    // Pauses of the reader are not the payer's fault.
    if (waits) message.destroy(new DOMException('no more bytes', 'TimeoutError'));
    else if (!message.destroyed) timer.refresh();
  }, idleMs);
  // A reader may stop in the middle and never come back. No more bytes come then.
  message.once('close', () => clearTimeout(timer));
  try {
    for await (const chunk of bytes) {
      waits = false;
      yield chunk;
      waits = true;
      timer.refresh();
    }
  } finally {
    clearTimeout(timer);
  }
};

const bodyOf = (message: IncomingMessage, { idleMs }: Limits): PayerBody => ({
  [Symbol.asyncIterator]: () => endWhenIdle(decodeBody(message, message.headers['content-encoding']), message, idleMs),
  cancel: async () => void message.destroy(),
});

/** RFC 9110 §6.4.1: these have no body, whatever their headers say. */
const hasNoBody = (method: string | undefined, status: number): boolean =>
  method === 'HEAD' || status === 204 || status === 304;

/** What makes an answer unusable before its body: a transfer or content coding that we did not ask for. */
const unusableIn = ({ statusCode = 0, headers }: IncomingMessage): string | undefined => {
  const { 'transfer-encoding': transferCoding = 'chunked', 'content-encoding': contentCoding } = headers;
  if (transferCoding.trim().toLowerCase() !== 'chunked') return 'TRANSFER_ENCODING';
  // If the status alone says what happened, the body does not matter.
  return statusCode < 300 && !isDecodable(contentCoding) ? 'CONTENT_ENCODING' : undefined;
};

const readHead = (message: IncomingMessage, method: string | undefined, limits: Limits): PayerResponse => {
  const { statusCode: status = 0, headers } = message;
  const get = (name: string): string | null => {
    const value = headers[name.toLowerCase()];
    return typeof value === 'object' ? value.join(', ') : (value ?? null);
  };
  if (hasNoBody(method, status)) {
    message.resume();
    return { status, headers: { get }, body: null };
  }
  const unusable = unusableIn(message);
  if (unusable !== undefined) {
    message.destroy();
    throw new UnusableAnswer(unusable);
  }
  return { status, headers: { get }, body: bodyOf(message, limits) };
};

/**
 * The HTTP client for payers: it verifies TLS, follows no redirects, and decompresses bodies. If the payer had just
 * closed a kept-alive connection, the request is sent once more over a new one, as RFC 9110 §9.2.2 allows for reads. A
 * {@link PayerRequest.oneTime} request gets a connection of its own and is never sent again.
 */
export const createPayerHttp = (changed: Partial<Limits> = {}): PayerHttp => {
  const limits = { ...usualLimits, ...changed };
  const transports = transportsOf(limits);
  return async (input, init = {}) => {
    const url = new URL(input);
    const transport = transports[url.protocol];
    if (transport === undefined) throw new TypeError(`The scheme ${url.protocol} is not supported for payers`);
    init.signal?.throwIfAborted();
    const over = (agent: HttpAgent): Promise<IncomingMessage> =>
      send(url, init, { transport, agent, connectMs: limits.connectMs });
    const message = await over(init.oneTime === true ? transport.single : transport.kept).catch((error: unknown) => {
      if (!(error instanceof StaleConnection)) throw error;
      return over(transport.single);
    });
    return readHead(message, init.method, limits);
  };
};
