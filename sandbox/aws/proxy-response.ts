import type { OutgoingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { isBinary } from './proxy-event.ts';

/** Status and headers as sent. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
}

/** A function's answer is one that API Gateway can't pass on: 502. */
class MalformedResponseError extends Error {
  override readonly name = 'MalformedResponseError';
}

/** API Gateway sets these headers itself, since it measures and frames answers. */
const remapped = new Set(['connection', 'content-length', 'date', 'server', 'transfer-encoding', 'www-authenticate']);

const sentName = (name: string): string => (remapped.has(name) ? `x-amzn-remapped-${name}` : name);

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads the status and headers of a proxy answer or a stream's prelude. @throws MalformedResponseError */
const headOf = (answer: unknown): ResponseHead => {
  if (!isMap(answer)) throw new MalformedResponseError('The answer is not an object');
  const { statusCode, headers, multiValueHeaders } = answer;
  const status = Number(statusCode);
  if (!Number.isInteger(status) || status < 200 || status > 599) throw new MalformedResponseError('No statusCode');
  const sent: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(isMap(headers) ? headers : {})) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      sent[sentName(name.toLowerCase())] = String(value);
    }
  }
  // If a name is in both, only these values count.
  for (const [name, values] of Object.entries(isMap(multiValueHeaders) ? multiValueHeaders : {})) {
    if (!Array.isArray(values)) throw new MalformedResponseError(`multiValueHeaders.${name} is not an array`);
    sent[sentName(name.toLowerCase())] = values.map(String);
  }
  sent['content-type'] ??= 'application/json';
  return { status, headers: sent };
};

/** 6 MB, Lambda's limit for a buffered answer. */
const bufferedLimit = 6 * 1024 * 1024;

/** Reads a buffered answer. @throws MalformedResponseError, also if it is larger than Lambda allows */
export const readBuffered = async (
  payload: Readable,
  binaryMediaTypes: readonly string[],
): Promise<ResponseHead & { readonly body: Buffer }> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of payload as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bufferedLimit) throw new MalformedResponseError('The answer is larger than 6 MB');
    chunks.push(chunk);
  }
  const answer = JSON.parse(Buffer.concat(chunks).toString()) as unknown;
  const head = headOf(answer);
  const { body = '', isBase64Encoded } = answer as { body?: unknown; isBase64Encoded?: boolean };
  if (typeof body !== 'string') throw new MalformedResponseError('The body is not a string');
  // Without a binary media type, the base64 text itself is sent, as in AWS.
  const decode = isBase64Encoded === true && isBinary(String(head.headers['content-type']), binaryMediaTypes);
  return { ...head, body: Buffer.from(body, decode ? 'base64' : 'utf8') };
};

/** 200 MB, Lambda's limit for a streamed answer. */
const streamedLimit = 200 * 1024 * 1024;

/**
 * API Gateway ends a stream of a regional API that is silent for so long
 * (https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html).
 */
const longestSilenceMs = 300_000;

/** What the promise brings. @throws Error if it brings nothing in time */
const inTime = async <T>(promise: Promise<T>, ms: number): Promise<T> => {
  const silence = Promise.withResolvers<never>();
  const timer = setTimeout(() => silence.reject(new Error('A streamed answer was silent for too long')), ms);
  try {
    return await Promise.race([promise, silence.promise]);
  } finally {
    clearTimeout(timer);
  }
};

/** How fast Lambda streams. */
export interface StreamPace {
  /** So many bytes come as fast as they can. */
  readonly firstBytes: number;
  /** After that so many a second. */
  readonly bytesPerSecond: number;
}

/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html#config-rs-bandwidth-cap */
export const lambdaPace: StreamPace = { firstBytes: 6 * 1024 * 1024, bytesPerSecond: 2 * 1024 * 1024 };

/** For tests and benchmarks of large answers, which would wait for minutes. */
export const unpaced: StreamPace = { firstBytes: Infinity, bytesPerSecond: Infinity };

/** Waits until so many bytes may have left. */
const paced = ({ firstBytes, bytesPerSecond }: StreamPace): ((size: number) => Promise<unknown> | undefined) => {
  let sinceMs: number | undefined;
  return (size) => {
    if (size <= firstBytes) return undefined;
    sinceMs ??= performance.now();
    return delay(Math.max(0, sinceMs + ((size - firstBytes) / bytesPerSecond) * 1000 - performance.now()));
  };
};

/**
 * The rest of a streamed answer, up to Lambda's limit, and no faster than Lambda streams. What gives the payload is not ended.
 * @throws Error if there is more, or if it is silent for too long
 */
export const streamedAnswer = async function* (
  payload: AsyncIterable<Buffer>,
  { limit = streamedLimit, silenceMs = longestSilenceMs, pace = lambdaPace } = {},
): AsyncGenerator<Buffer> {
  const chunks = payload[Symbol.asyncIterator]();
  const untilPace = paced(pace);
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await inTime(chunks.next(), silenceMs);
      if (done === true) return;
      size += value.length;
      if (size > limit) throw new MalformedResponseError('A streamed answer is larger than 200 MB');
      await untilPace(size);
      yield value;
    }
  } finally {
    // Not awaited: a generator that waits for its next chunk returns only after that.
    void chunks.return?.().catch(() => undefined);
  }
};

const preludeEnd = Buffer.alloc(8);
const preludeLimit = 64 * 1024;

/** Reads the prelude of a streamed answer. The rest stays in the payload. @throws MalformedResponseError */
export const readPrelude = async (payload: Readable): Promise<ResponseHead> => {
  let read: Buffer = Buffer.alloc(0);
  for await (const chunk of payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    read = Buffer.concat([read, chunk]);
    const end = read.indexOf(preludeEnd);
    if (end !== -1) {
      payload.unshift(read.subarray(end + preludeEnd.length));
      return headOf(JSON.parse(read.toString('utf8', 0, end)));
    }
    if (read.length > preludeLimit) break;
  }
  throw new MalformedResponseError('A streamed answer starts with a prelude and eight NUL bytes');
};
