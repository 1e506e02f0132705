import { deflateRawSync, gzipSync } from 'node:zlib';
import { chunkOf, encode, headOf, lastChunk, type Wire } from './wire.ts';

/** An answer that misstates its own framing, and what must become of it. */
export interface Mishap {
  readonly name: string;
  readonly wire: (body: Buffer) => Wire;
  /** @default it is broken */
  readonly arrivesWhole?: true;
}

const length = (bytes: number): string => `Content-Length: ${bytes}`;
const gzip = 'Content-Encoding: gzip';
const closing = 'Connection: close';
const chunked = 'Transfer-Encoding: chunked';
const wire = (head: string, pieces: readonly Uint8Array[], closes = false): Wire => ({ head, pieces, closes });
const half = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length >> 1);
const junk = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');

/** A content coding that is cut while the framing around it is complete. */
const cutCodings = (['gzip', 'deflate', 'br'] as const).flatMap((coding): Mishap[] => {
  const cut = (body: Buffer): Buffer => half(encode(body, coding));
  const header = `Content-Encoding: ${coding}`;
  return [
    {
      name: `${coding} cut, Content-Length of what is there`,
      wire: (body) => wire(headOf(header, length(cut(body).length)), [cut(body)]),
    },
    {
      name: `${coding} cut, all chunks there`,
      wire: (body) => wire(headOf(header, chunked), [...chunkOf(cut(body)), lastChunk]),
    },
    {
      name: `${coding} without its last byte, until close`,
      wire: (body) => wire(headOf(header), [encode(body, coding).subarray(0, -1)], true),
    },
    {
      name: `${coding} with something behind its end`,
      wire: (body) => {
        const bytes = Buffer.concat([encode(body, coding), Buffer.from('junk')]);
        return wire(headOf(header, length(bytes.length)), [bytes]);
      },
    },
    { name: `malformed ${coding}`, wire: (body) => wire(headOf(header, length(body.length)), [body]) },
    { name: `${coding}, and nothing`, wire: () => wire(headOf(header, length(0)), []) },
    {
      name: `${coding} that no header names`,
      wire: (body) => wire(headOf(length(encode(body, coding).length)), [encode(body, coding)]),
    },
  ];
});

const unknownCodings = ['compress', 'zstd', 'gzip, gzip', 'identity, gzip', 'aws-chunked', 'gzip;q=1'].map(
  (coding): Mishap => ({
    name: `Content-Encoding: ${coding}`,
    wire: (body) =>
      wire(headOf(`Content-Encoding: ${coding}`, length(encode(body, 'gzip').length)), [encode(body, 'gzip')]),
  }),
);

export const mishaps: readonly Mishap[] = [
  ...cutCodings,
  ...unknownCodings,
  { name: 'Content-Length larger than the body', wire: (body) => wire(headOf(length(body.length + 9)), [body], true) },
  { name: 'Content-Length smaller than the body', wire: (body) => wire(headOf(length(body.length - 9)), [body]) },
  {
    name: 'Content-Length smaller than the body, close',
    wire: (body) => wire(headOf(length(body.length - 9), closing), [body], true),
  },
  {
    name: 'Content-Length smaller than the body, the rest later',
    wire: (body) => wire(headOf(length(body.length - 9)), [body.subarray(0, -9), body.subarray(-9)]),
  },
  { name: 'two Content-Length', wire: (body) => wire(headOf(length(body.length), length(body.length)), [body]) },
  {
    name: 'two Content-Length that differ',
    wire: (body) => wire(headOf(length(body.length - 9), length(body.length)), [body]),
  },
  { name: 'a Content-Length that is not a number', wire: (body) => wire(headOf('Content-Length: 0x10'), [body], true) },
  {
    name: 'Content-Length and chunked',
    wire: (body) => wire(headOf(length(body.length), chunked), [...chunkOf(body), lastChunk]),
  },
  { name: 'chunked, the last chunk missing', wire: (body) => wire(headOf(chunked), chunkOf(body), true) },
  {
    name: 'a chunk larger than it says',
    wire: (body) =>
      wire(
        headOf(chunked),
        [Buffer.from(`${(body.length - 9).toString(16)}\r\n`), body, Buffer.from('\r\n'), lastChunk],
        true,
      ),
  },
  {
    name: 'a chunk smaller than it says',
    wire: (body) =>
      wire(
        headOf(chunked),
        [Buffer.from(`${(body.length + 9).toString(16)}\r\n`), body, Buffer.from('\r\n'), lastChunk],
        true,
      ),
  },
  {
    name: 'a chunk size that is not a number',
    wire: (body) => wire(headOf(chunked), [Buffer.from('xyz\r\n'), body], true),
  },
  { name: 'chunked that is not', wire: (body) => wire(headOf(chunked), [body], true) },
  { name: 'Transfer-Encoding: gzip', wire: (body) => wire(headOf('Transfer-Encoding: gzip'), [gzipSync(body)], true) },
  {
    name: 'Transfer-Encoding: gzip, chunked',
    wire: (body) => wire(headOf('Transfer-Encoding: gzip, chunked'), [...chunkOf(gzipSync(body)), lastChunk]),
  },
  { name: 'nothing, until close', wire: () => wire(headOf(), [], true) },
  { name: 'nothing, with a length', wire: () => wire(headOf(length(0)), []) },
  { name: 'JSON and something behind it, until close', wire: (body) => wire(headOf(), [body, Buffer.from('x')], true) },
  {
    name: 'another protocol',
    wire: () => wire('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n', [], true),
  },
  { name: 'no head', wire: (body) => wire('', [body], true) },
  { name: 'half a head', wire: () => wire('HTTP/1.1 200 OK\r\nContent-Type: appl', [], true) },
  {
    name: 'an answer behind the answer',
    wire: (body) => wire(headOf(length(body.length)), [body, junk]),
    arrivesWhole: true,
  },
  {
    name: 'bare deflate data',
    wire: (body) =>
      wire(headOf('Content-Encoding: deflate', length(deflateRawSync(body).length)), [deflateRawSync(body)]),
    arrivesWhole: true,
  },
  {
    name: 'gzip in two members',
    wire: (body) => {
      const bytes = Buffer.concat([gzipSync(half(body)), gzipSync(body.subarray(body.length >> 1))]);
      return wire(headOf(gzip, length(bytes.length)), [bytes]);
    },
    arrivesWhole: true,
  },
  {
    name: 'Content-Encoding: X-GZIP',
    wire: (body) => wire(headOf('Content-Encoding: X-GZIP', length(gzipSync(body).length)), [gzipSync(body)]),
    arrivesWhole: true,
  },
  {
    name: 'Content-Encoding: identity',
    wire: (body) => wire(headOf('Content-Encoding: identity', length(body.length)), [body]),
    arrivesWhole: true,
  },
  {
    name: 'after 100 and 103',
    wire: (body) =>
      wire(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${headOf(length(body.length))}`, [
        body,
      ]),
    arrivesWhole: true,
  },
  {
    name: 'HTTP/1.0',
    wire: (body) => wire('HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n', [body], true),
    arrivesWhole: true,
  },
];
