import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';

export const connections = ['keep-alive', 'close'] as const;
export const codings = ['identity', 'gzip', 'deflate', 'br'] as const;
export const framings = ['Content-Length', 'chunked', 'until close'] as const;
export const manners = ['whole', 'cut', 'slow reader', 'paused reader'] as const;

/** How a payer sends an answer, and how it is read. */
export interface Cell {
  readonly connection: (typeof connections)[number];
  readonly coding: (typeof codings)[number];
  readonly framing: (typeof framings)[number];
  readonly manner: (typeof manners)[number];
}

/** Every combination. */
export const everyCell: readonly Cell[] = connections.flatMap((connection) =>
  codings.flatMap((coding) =>
    framings.flatMap((framing) => manners.map((manner) => ({ connection, coding, framing, manner }))),
  ),
);

export const nameOf = ({ connection, coding, framing, manner }: Cell): string =>
  [connection, coding, framing, manner].join(', ');

/** An answer on the wire. */
export interface Wire {
  readonly head: string;
  readonly pieces: Iterable<Uint8Array>;
  /** Whether the payer closes the connection after it. */
  readonly closes: boolean;
}

const fastest = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

export const encode = (body: Buffer, coding: Cell['coding']): Buffer => {
  switch (coding) {
    case 'gzip':
      return gzipSync(body, { level: 1 });
    case 'deflate':
      return deflateSync(body, { level: 1 });
    case 'br':
      return brotliCompressSync(body, fastest);
    case 'identity':
      return body;
  }
};

export const chunkOf = (piece: Uint8Array): Uint8Array[] => [
  Buffer.from(`${piece.length.toString(16)}\r\n`),
  piece,
  Buffer.from('\r\n'),
];

export const lastChunk = Buffer.from('0\r\n\r\n');

/** The status line and headers: these, and those of every FHIR or OAuth answer. */
export const headOf = (...headers: readonly string[]): string =>
  ['HTTP/1.1 200 OK', 'Content-Type: application/json', ...headers, '', ''].join('\r\n');

const inChunks = function* (pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  for (const piece of pieces) yield* chunkOf(piece);
  yield lastChunk;
};

/** Returns at most this many bytes from the start. */
const upTo = function* (pieces: Iterable<Uint8Array>, bytes: number): Generator<Uint8Array> {
  let left = bytes;
  for (const piece of pieces) {
    if (left <= 0) return;
    yield piece.subarray(0, left);
    left -= piece.length;
  }
};

/** Frames an encoded body. @param bytes its length */
export const frame = (
  pieces: Iterable<Uint8Array>,
  bytes: number,
  { connection, coding, framing, manner }: Cell,
): Wire => {
  const headers = [
    ...(coding === 'identity' ? [] : [`Content-Encoding: ${coding}`]),
    ...(framing === 'Content-Length' ? [`Content-Length: ${bytes}`] : []),
    ...(framing === 'chunked' ? ['Transfer-Encoding: chunked'] : []),
    ...(connection === 'close' ? ['Connection: close'] : []),
  ];
  const sent = manner === 'cut' ? upTo(pieces, Math.floor(bytes / 2)) : pieces;
  return {
    head: headOf(...headers),
    // A cut body ends inside a chunk, or before the last chunk.
    pieces:
      framing === 'chunked' ? (manner === 'cut' ? upTo(inChunks(sent), Math.floor(bytes / 2)) : inChunks(sent)) : sent,
    closes: connection === 'close' || framing === 'until close' || manner === 'cut',
  };
};

/** A body in pieces, as a server's buffers would produce it. */
export const piecesOf = (body: Buffer, size = 7000): Buffer[] =>
  Array.from({ length: Math.ceil(body.length / size) }, (_, index) => body.subarray(index * size, (index + 1) * size));

/** The caller may leave at any time. */
const ignore = (): void => undefined;

const drained = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });

/** Takes over an answer's socket from Node's HTTP server, to write raw bytes. */
const takeOver = (response: ServerResponse): Socket => {
  const { socket } = response;
  if (socket === null) throw new Error('no connection');
  response.detachSocket(socket);
  socket.off('error', ignore).on('error', ignore);
  return socket;
};

/** Writes the bytes of an answer to the socket. @param pauseMs pause between pieces, to imitate a slow payer */
export const write = async (response: ServerResponse, { head, pieces, closes }: Wire, pauseMs = 0): Promise<void> => {
  const socket = takeOver(response);
  socket.write(head);
  for (const piece of pieces) {
    if (socket.destroyed) return;
    if (!socket.write(piece)) await drained(socket);
    if (pauseMs > 0) await sleep(pauseMs);
  }
  if (closes) socket.end();
};
