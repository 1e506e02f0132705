import { addAbortListener } from 'node:events';
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { acceptEncoding, decodeBody, isDecodable, UnusableAnswer } from './decode-body.ts';
import type { PayerBody, PayerHttp, PayerRequest, PayerResponse } from './http.ts';

/*
 * HTTP/1.1 by Node's own client, which the AWS SDK has loaded already. `fetch` would load undici, and the one in Node 24
 * ends the process when a body ends while nobody reads it (nodejs/undici#5360).
 */

/** Limits of a connection, milliseconds. A request's own limits come with its signal. */
interface Limits {
  /** Until a connection is open, TLS included. */
  readonly connectMs: number;
  /** While somebody waits for the next byte of a body. */
  readonly idleMs: number;
  /** Until a connection that nobody uses is closed, unless the payer's `Keep-Alive` ends it earlier. */
  readonly keptMs: number;
}

const usualLimits: Limits = { connectMs: 10_000, idleMs: 300_000, keptMs: 4000 };

/** How a scheme is spoken. */
interface Transport {
  readonly request: typeof httpsRequest;
  /** When a connection of it is open. */
  readonly opened: 'connect' | 'secureConnect';
  /** Its connections serve one request after the other. */
  readonly kept: HttpAgent;
  /** Its connections serve one request each. */
  readonly single: HttpAgent;
}

const transportsOf = ({ keptMs }: Limits): Readonly<Record<string, Transport>> => {
  const kept = { keepAlive: true, timeout: keptMs };
  return {
    'http:': { request: httpRequest, opened: 'connect', kept: new HttpAgent(kept), single: new HttpAgent() },
    'https:': { request: httpsRequest, opened: 'secureConnect', kept: new HttpsAgent(kept), single: new HttpsAgent() },
  };
};

/** The payer closed a kept connection, and gave no answer to what was sent over it at that moment. */
class StaleConnection extends Error {}

const isClosed = (error: Error): boolean => 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');

/** What comes over a kept connection while nothing is asked would be taken for the next answer. */
const closeOnStrayBytes = function (this: Socket): void {
  this.destroy();
};

const watchConnection = (request: ClientRequest, socket: Socket, { opened }: Transport, connectMs: number): void => {
  socket.off('data', closeOnStrayBytes);
  // Before its agent gives the connection to the next request.
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

/** Sends a request, and resolves with the head of its answer. What ends the exchange later ends the answer's body. */
const exchange = (
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
      // Of a header that comes twice, Node would keep the first only.
      joinDuplicateHeaders: true,
    });
    // None is left out: their size has its limit in the parser, 16 KB.
    request.maxHeadersCount = 0;
    const end = (reason: Error): void => void (message ?? request).destroy(reason);
    const abort = signal === undefined ? undefined : addAbortListener(signal, () => end(signal.reason as Error));
    request.once('socket', (socket) => watchConnection(request, socket, transport, connectMs));
    request.once('response', (answer) => {
      message = answer;
      // Kept for whoever reads the body.
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
        // Bytes behind the end of a body, too.
        if (!message.readableEnded) message.destroy(error);
        return;
      }
      abort?.[Symbol.dispose]();
      reject(request.reusedSocket && isClosed(error) ? new StaleConnection('stale', { cause: error }) : error);
    });
    request.end(body);
  });

/** The bytes, as long as the payer never pauses for longer than that. */
const endWhenIdle = async function* (bytes: AsyncIterable<Uint8Array>, message: IncomingMessage, idleMs: number) {
  let waits = true;
  const timer = setTimeout(() => {
    // The reader's own pauses are no fault of the payer's.
    if (waits) message.destroy(new DOMException('no more bytes', 'TimeoutError'));
    else timer.refresh();
  }, idleMs);
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

/** What breaks an answer before its body: a transfer coding that nobody asked for, or a content coding. */
const unusableIn = ({ statusCode = 0, headers }: IncomingMessage): string | undefined => {
  const { 'transfer-encoding': transferCoding = 'chunked', 'content-encoding': contentCoding } = headers;
  if (transferCoding.trim().toLowerCase() !== 'chunked') return 'TRANSFER_ENCODING';
  // Where the status alone says what happened, the body may be what it is.
  return statusCode < 300 && !isDecodable(contentCoding) ? 'CONTENT_ENCODING' : undefined;
};

const responseOf = (message: IncomingMessage, method: string | undefined, limits: Limits): PayerResponse => {
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
 * The payers' HTTP: TLS is verified, redirects are not followed, bodies come decompressed. A request over a kept
 * connection that the payer had just closed is sent again, once, over a new one, as RFC 9110 §9.2.2 allows for reads; one
 * that is {@link PayerRequest.oneTime} gets a connection of its own, and is never sent again.
 */
export const createPayerHttp = (changed: Partial<Limits> = {}): PayerHttp => {
  const limits = { ...usualLimits, ...changed };
  const transports = transportsOf(limits);
  return async (input, init = {}) => {
    const url = new URL(input);
    const transport = transports[url.protocol];
    if (transport === undefined) throw new TypeError(`${url.protocol} is no scheme of a payer's`);
    init.signal?.throwIfAborted();
    const over = (agent: HttpAgent): Promise<IncomingMessage> =>
      exchange(url, init, { transport, agent, connectMs: limits.connectMs });
    const message = await over(init.oneTime === true ? transport.single : transport.kept).catch((error: unknown) => {
      if (!(error instanceof StaleConnection)) throw error;
      return over(transport.single);
    });
    return responseOf(message, init.method, limits);
  };
};
