import { PassThrough, Readable, Writable } from 'node:stream';
import type { Context } from 'aws-lambda';
import type { Invocation, LocalFunction } from '../../../sandbox/aws/lambda.ts';
import type { ResponseStream } from '../stream-handler.ts';

/** A handler as Lambda calls it; one that streams takes the stream second. */
export interface Served {
  readonly handler: unknown;
  readonly streams: boolean;
}

type Buffered = (event: unknown, context: Context) => Promise<unknown>;
type Streaming = (event: unknown, stream: Writable, context: Context) => Promise<unknown>;

const contextOf = (awsRequestId: string, timeoutMs: number): Context => {
  const endsAt = performance.now() + timeoutMs;
  return {
    awsRequestId,
    functionName: 'test',
    getRemainingTimeInMillis: () => Math.max(0, endsAt - performance.now()),
  } as Context;
};

const buffered = async (handler: Buffered, event: unknown, context: Context): Promise<Invocation> => ({
  ok: true,
  contentType: 'application/json',
  payload: Readable.from([Buffer.from(JSON.stringify((await handler(event, context)) ?? null))]),
});

/** Resolves at the first byte, as Lambda's stream does. The prelude and eight NUL bytes come before it. */
const streamed = (handler: Streaming, event: unknown, context: Context): Promise<Invocation> => {
  const { promise, resolve, reject } = Promise.withResolvers<Invocation>();
  const payload = new PassThrough();
  const stream: ResponseStream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      if (stream.prelude !== undefined) {
        payload.write(JSON.stringify(stream.prelude));
        payload.write(Buffer.alloc(8));
        delete stream.prelude;
      }
      resolve({ ok: true, contentType: '', payload });
      payload.write(chunk, () => done());
    },
    final: (done) => payload.end(done),
    destroy: (error, done) => {
      if (!payload.writableFinished) payload.destroy();
      done(error);
    },
  });
  stream.on('error', () => undefined);
  payload.on('error', () => undefined);
  payload.once('close', () => {
    if (!payload.writableFinished) stream.destroy(new Error('The client has left'));
  });
  const run = async (): Promise<void> => {
    try {
      await handler(event, stream, context);
      if (!stream.writableEnded && !stream.destroyed) stream.end();
    } catch (error) {
      reject(error);
      payload.destroy(error as Error);
    }
  };
  void run();
  return promise;
};

/** A function whose handler runs in this process. */
export const functionInProcess = (
  { handler, streams }: Served,
  timeoutMs: (event: string) => number,
): Pick<LocalFunction, 'invoke'> => ({
  invoke: (text, requestId) => {
    const [event, context] = [JSON.parse(text) as unknown, contextOf(requestId, timeoutMs(text))];
    return streams ? streamed(handler as Streaming, event, context) : buffered(handler as Buffered, event, context);
  },
});
