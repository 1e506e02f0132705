import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { bytesOf, chunksOf, type DataFile } from './lines.ts';
import type { Pace } from './pace.ts';

/** How a file is served. */
export interface Served {
  readonly ranges: boolean;
  readonly gzip: boolean;
  /** Whether to close the connection after sending half of the requested bytes. */
  readonly cut: boolean;
  readonly send: Pace['send'];
}

/** The bytes that a Range header asks for; undefined if it is not one range of bytes (RFC 9110 §14). */
const rangeIn = (header: string | undefined, size: number): readonly [from: number, end: number] | undefined => {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || first + last === '') return undefined;
  if (first === '') return [Math.max(0, size - Number(last)), size];
  return [Number(first), last === '' ? size : Math.min(size, Number(last) + 1)];
};

/** Sends a file, or the part of it that is asked for, as fast as the client reads and the pace allows. */
export const serveFile = async (
  req: IncomingMessage,
  res: ServerResponse,
  file: DataFile,
  { ranges, gzip, cut, send }: Served,
): Promise<void> => {
  const size = bytesOf(file);
  const whole = [0, size] as const;
  const range = ranges && !gzip ? rangeIn(req.headers.range, size) : undefined;
  const [from, end] = range ?? whole;
  if (range !== undefined && (from >= size || from >= end)) {
    res.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    return;
  }
  res.writeHead(range === undefined ? 200 : 206, {
    'content-type': 'application/fhir+ndjson',
    'cache-control': 'no-store',
    ...(gzip ? { 'content-encoding': 'gzip' } : { 'content-length': end - from }),
    ...(ranges && !gzip && { 'accept-ranges': 'bytes' }),
    ...(range && { 'content-range': `bytes ${from}-${end - 1}/${size}` }),
  });
  if (req.method === 'HEAD') return void res.end();
  const until = cut ? from + Math.floor((end - from) / 2) : end;
  const chunks = Readable.from(chunksOf(file, from, until), { highWaterMark: 1 });
  try {
    if (gzip) await pipeline(chunks, createGzip(), send, res);
    else await pipeline(chunks, send, res, { end: !cut });
    // What was written must be sent before the connection breaks.
    if (cut) setImmediate(() => res.destroy());
  } catch {
    res.destroy();
  }
};
