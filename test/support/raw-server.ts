import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A request as its bytes arrived. */
export interface RawRequest {
  /** Request line and headers. */
  readonly head: string;
  /** Its number over all connections, starting at 1. */
  readonly number: number;
  /** Its number on this connection, starting at 1. */
  readonly ofConnection: number;
}

/** A server that writes its answers byte by byte, so that their framing is exactly what a test writes. */
export interface RawServer {
  readonly url: string;
  readonly requests: readonly RawRequest[];
  readonly connections: () => number;
  readonly close: () => Promise<void>;
}

/** Takes the heads of requests off a connection's bytes; our bodies are short and arrive with their heads. */
const headsIn = (text: string): { heads: string[]; rest: string } => {
  const heads: string[] = [];
  let rest = text;
  for (let end = rest.indexOf('\r\n\r\n'); end >= 0; end = rest.indexOf('\r\n\r\n')) {
    const head = rest.slice(0, end);
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    if (rest.length < end + 4 + length) break;
    heads.push(head);
    rest = rest.slice(end + 4 + length);
  }
  return { heads, rest };
};

/** Starts one. @param answer what it writes for each request; it may take its time, and close the connection */
export const startRawServer = async (
  answer: (socket: Socket, request: RawRequest) => void | Promise<void>,
): Promise<RawServer> => {
  const requests: RawRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections += 1;
    let waiting = '';
    let ofConnection = 0;
    sockets.add(socket);
    socket.setNoDelay(true);
    // The caller may leave at any time.
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    socket.on('data', (bytes) => {
      const { heads, rest } = headsIn(waiting + bytes.toString('latin1'));
      waiting = rest;
      for (const head of heads) {
        const request = { head, number: requests.length + 1, ofConnection: (ofConnection += 1) };
        requests.push(request);
        void answer(socket, request);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections: () => connections,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
};
