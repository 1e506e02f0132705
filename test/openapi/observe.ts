import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request, and what the door answered. */
export interface Exchange {
  readonly method: string;
  /** The path with its query, as it was sent. */
  readonly url: string;
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Whether the answer came to its end. */
  readonly whole: boolean;
}

/** The most bytes that are kept of a body; a longer one is not looked at. */
const mostBytes = 2_000_000;

interface Started {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly server: Server;
}

const bytesOf = (chunk: unknown): Buffer =>
  typeof chunk === 'string' || chunk instanceof Uint8Array ? Buffer.from(chunk as string) : Buffer.alloc(0);

/** Calls `kept` with each exchange of this response when it ends. */
const watch = ({ request, response }: Started, kept: (exchange: Exchange) => void): void => {
  const pieces: Buffer[] = [];
  let bytes = 0;
  const keep = (chunk: unknown): void => {
    const piece = bytesOf(chunk);
    bytes += piece.length;
    if (bytes <= mostBytes) pieces.push(piece);
  };
  const [write, end] = [response.write.bind(response), response.end.bind(response)];
  response.write = ((chunk: unknown, ...more: never[]) => {
    keep(chunk);
    return write(chunk, ...more);
  }) as typeof response.write;
  response.end = ((chunk: unknown, ...more: never[]) => {
    keep(chunk);
    return end(chunk as never, ...more);
  }) as typeof response.end;
  response.once('close', () => {
    if (!response.headersSent) return;
    const headers = Object.entries(response.getHeaders()).map(([name, value]) => [name, [value].flat().join(', ')]);
    kept({
      method: request.method ?? '',
      url: request.url ?? '',
      status: response.statusCode,
      headers: Object.fromEntries(headers) as Record<string, string>,
      body: Buffer.concat(pieces),
      whole: response.writableFinished && bytes <= mostBytes,
    });
  });
};

/** Keeps every exchange of the servers of this process that listen on a port, until it is stopped. */
export const observe = (port: number): { readonly exchanges: readonly Exchange[]; readonly stop: () => void } => {
  const exchanges: Exchange[] = [];
  const channel = 'http.server.request.start';
  const onStart = (message: unknown): void => {
    const started = message as Started;
    const address = started.server.address() as AddressInfo | null;
    if (address?.port === port) watch(started, (exchange) => exchanges.push(exchange));
  };
  subscribe(channel, onStart);
  return { exchanges, stop: () => void unsubscribe(channel, onStart) };
};
