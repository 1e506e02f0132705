import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { bundleChunks } from './bundle.ts';
import type { Bundle } from './bundle.ts';
import { wantsResource } from './request.ts';
import type { StoredResource } from './resource.ts';

const fhirJson = 'application/fhir+json; charset=utf-8';
const privateAnswer = { 'cache-control': 'private, no-cache', vary: 'Accept, Authorization' };

export const sendJson = (
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void => {
  response.writeHead(status, {
    'content-type': fhirJson,
    'content-length': Buffer.byteLength(text),
    ...privateAnswer,
    ...headers,
  });
  response.end(text);
};

/** Sends one resource, with its version as ETag. A Binary is sent in its own format unless FHIR is requested. */
export const sendResource = (
  request: IncomingMessage,
  response: ServerResponse,
  { reference, text, body }: StoredResource,
  baseUrl: string,
): void => {
  const etag = `W/"${body.meta.versionId}"`;
  const headers = {
    etag,
    'last-modified': new Date(body.meta.lastUpdated).toUTCString(),
    'content-location': `${baseUrl}/${reference}/_history/${body.meta.versionId}`,
  };
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, { ...privateAnswer, ...headers });
    response.end();
    return;
  }
  if (body.resourceType !== 'Binary' || wantsResource(request)) return sendJson(response, 200, text, headers);
  const data = Buffer.from(String(body['data']), 'base64');
  const own = { 'content-type': String(body['contentType']), 'content-length': data.length };
  response.writeHead(200, { ...privateAnswer, ...headers, ...own });
  response.end(data);
};

/** Thrown when the payer cuts an answer, as a test requested. */
class CutError extends Error {
  override readonly name = 'CutError';
}

/** Passes on up to this many bytes, and throws if there are more. */
const upTo = (bytes: number) =>
  async function* cut(chunks: AsyncIterable<string>): AsyncGenerator<Buffer> {
    let left = bytes;
    for await (const chunk of chunks) {
      const whole = Buffer.from(chunk);
      yield whole.subarray(0, left);
      left -= whole.length;
      if (left >= 0) continue;
      // The bytes before the cut must be sent before the connection breaks.
      await new Promise(setImmediate);
      throw new CutError();
    }
  };

/**
 * Streams a bundle as fast as the client reads. If the client leaves, the bundle ends.
 * @param cutAfter bytes of the body after which the connection breaks; if omitted, it does not
 */
export const sendBundle = async (
  request: IncomingMessage,
  response: ServerResponse,
  bundle: Bundle,
  cutAfter?: number,
): Promise<void> => {
  response.writeHead(200, { 'content-type': fhirJson, ...privateAnswer });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  try {
    const chunks = Readable.from(bundleChunks(bundle), { highWaterMark: 1 });
    await (cutAfter === undefined ? pipeline(chunks, response) : pipeline(chunks, upTo(cutAfter), response));
  } catch (error) {
    if (!clientLeft(error) && !(error instanceof CutError)) throw error;
  }
};

const clientLeft = (error: unknown): boolean => {
  const { code } = Object(error) as { code?: unknown };
  return code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET' || code === 'EPIPE';
};
