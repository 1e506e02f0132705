import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { AwsRequest } from './service.ts';

/** A decoded body, or the error in it. */
export type Decoded =
  | { readonly body: Buffer; readonly checksums: Readonly<Record<string, string>> }
  | { readonly problem: 'IncompleteBody' | 'BadDigest' };

const checksumPrefix = 'x-amz-checksum-';

const checksumsIn = (headers: Iterable<readonly [string, unknown]>): Record<string, string> =>
  Object.fromEntries(
    [...headers].filter(([name]) => name.startsWith(checksumPrefix)).map(([name, v]) => [name, String(v)]),
  );

/**
 * `aws-chunked`: each chunk is its length in hex (and its signature), a line end, the bytes and a line end. Trailers,
 * such as a checksum, follow the chunk of length 0
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html).
 */
const unchunk = (sent: Buffer): Decoded => {
  const chunks: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = sent.indexOf('\r\n', at);
    const size = Number.parseInt(sent.toString('latin1', at, lineEnd), 16);
    const start = lineEnd + 2;
    if (lineEnd === -1 || Number.isNaN(size) || start + size > sent.length) return { problem: 'IncompleteBody' };
    if (size === 0) {
      const trailers = sent.toString('latin1', start).split('\r\n');
      const pairs = trailers
        .map((line) => line.split(/:(.*)/s))
        .map(([name = '', value = '']) => [name.toLowerCase(), value] as const);
      return { body: Buffer.concat(chunks), checksums: checksumsIn(pairs) };
    }
    chunks.push(sent.subarray(start, start + size));
    at = start + size + 2;
  }
};

const crc32Of = (body: Buffer): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(body));
  return bytes.toString('base64');
};

/**
 * Decodes a body's transfer encoding, and compares it with its MD5, if that was sent, and with the CRC-32 that the SDK
 * sends by default.
 */
export const decodeBody = ({ headers, body: sent }: AwsRequest): Decoded => {
  const isChunked = String(headers['x-amz-content-sha256']).startsWith('STREAMING-');
  const decoded: Decoded = isChunked ? unchunk(sent) : { body: sent, checksums: {} };
  if ('problem' in decoded) return decoded;
  const { body } = decoded;
  const length = headers['x-amz-decoded-content-length'];
  if (length !== undefined && Number(length) !== body.length) return { problem: 'IncompleteBody' };
  const md5 = headers['content-md5'];
  if (md5 !== undefined && md5 !== createHash('md5').update(body).digest('base64')) return { problem: 'BadDigest' };
  const checksums = { ...checksumsIn(Object.entries(headers)), ...decoded.checksums };
  const crc = checksums[`${checksumPrefix}crc32`];
  return crc === undefined || crc === crc32Of(body) ? { body, checksums } : { problem: 'BadDigest' };
};
