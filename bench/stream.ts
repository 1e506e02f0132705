import { Writable } from 'node:stream';

/** A response stream that discards everything. */
export type Sink = Writable & { readonly status: () => number; prelude?: { readonly statusCode: number } };

export const sink = (onWrite?: () => void): Sink => {
  const stream: Sink = Object.assign(
    new Writable({
      write: (_chunk, _encoding, done) => {
        onWrite?.();
        done();
      },
    }),
    { status: () => stream.prelude?.statusCode ?? 0 },
  );
  return stream;
};

/** The part of Lambda's global that streaming functions use. */
export const awslambda = {
  streamifyResponse: (handler: unknown): unknown => handler,
  HttpResponseStream: {
    from: (stream: Sink, prelude: NonNullable<Sink['prelude']>): Sink => Object.assign(stream, { prelude }),
  },
};
