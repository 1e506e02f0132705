import { pipeline } from 'node:stream';
import { constants, createGzip } from 'node:zlib';
import { headerText, type ApiEvent } from './api.ts';

/** Whether the caller accepts gzip (RFC 9110 §12.5.3). */
export const takesGzip = (event: ApiEvent): boolean => {
  const weights = new Map(
    headerText(event, 'accept-encoding')
      .split(',')
      .map((item): [string | undefined, number] => {
        const [coding, ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
        const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
        return [coding, weight === undefined ? 1 : Number(weight)];
      }),
  );
  return (weights.get('gzip') ?? weights.get('x-gzip') ?? weights.get('*') ?? 0) > 0;
};

/** Compresses a stream at the fastest level, since even that shrinks FHIR's JSON by nine tenths. */
export const gzipped = (pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> =>
  pipeline(pieces, createGzip({ level: constants.Z_BEST_SPEED }), () => {
    // The reader of the result gets the error.
  });
