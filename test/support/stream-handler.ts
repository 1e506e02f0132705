import { Writable } from 'node:stream';
import { callbackify } from 'node:util';
import type { Context } from 'aws-lambda';
import type { ApiEvent } from '../../functions/shared/http/api.ts';
import { lambdaContext } from './api-call.ts';

/** What API Gateway would send before the body. */
interface Prelude {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
}

export type ResponseStream = Writable & { prelude?: Prelude };

/*
 * Lambda's `awslambda`, as the streaming functions use it. It must exist before such a function is built, so a test
 * imports this file first.
 */
Object.assign(globalThis, {
  awslambda: {
    streamifyResponse: (handler: unknown): unknown => handler,
    HttpResponseStream: {
      from: (stream: ResponseStream, prelude: Prelude): ResponseStream => Object.assign(stream, { prelude }),
    },
  },
});

/** A streamed answer. */
export interface StreamedAnswer extends Prelude {
  readonly body: Buffer;
  readonly text: string;
  /** The body as JSON. */
  readonly json: () => unknown;
  /** What cut the stream. */
  readonly error: unknown;
}

/** How the caller reads the answer. */
export interface StreamOptions {
  /** The time that the function has left, in milliseconds. */
  readonly remainingMs?: number;
  /** Receives each chunk; a promise delays the next one. Without it the body is kept. */
  readonly onChunk?: (chunk: Buffer, stream: Writable) => void | Promise<void>;
  /** Called with the response stream before the handler starts. */
  readonly onStart?: (stream: Writable) => void;
  /** @default one with the time that is left */
  readonly context?: Context | undefined;
}

type StreamHandler = (event: ApiEvent, stream: Writable, context: unknown) => Promise<void>;

/** Calls a handler that streams, and waits until it has finished, however that ends. */
export const callStreaming = async (
  handler: unknown,
  event: ApiEvent,
  { remainingMs, onChunk, onStart, context = lambdaContext(remainingMs) }: StreamOptions = {},
): Promise<StreamedAnswer> => {
  const chunks: Buffer[] = [];
  const take = callbackify(async (chunk: Buffer): Promise<void> => {
    if (onChunk === undefined) chunks.push(chunk);
    else await onChunk(chunk, stream);
  });
  const stream: ResponseStream = new Writable({
    write: (chunk: Buffer, _encoding, done) => take(chunk, done),
  });
  stream.on('error', () => undefined);
  onStart?.(stream);
  let error: unknown;
  try {
    await (handler as StreamHandler)(event, stream, context);
  } catch (thrown) {
    error = thrown;
  }
  const body = Buffer.concat(chunks);
  const text = body.toString('utf8');
  const { statusCode = 0, headers = {} } = stream.prelude ?? {};
  return { statusCode, headers, body, text, json: () => JSON.parse(text) as unknown, error };
};
