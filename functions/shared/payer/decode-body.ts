import { pipeline, type Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { causeOf } from '../errors.ts';

/** An answer that breaks HTTP or one of our own rules. The message never quotes the payer's bytes. */
export class UnusableAnswer extends Error {
  override readonly name = 'UnusableAnswer';
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** Whether a call failed since the payer's answer breaks HTTP or its own content coding (RFC 9110 §8.4). */
export const isUnusable = (error: unknown): boolean =>
  error instanceof UnusableAnswer || /:(?:HPE_|Z_DATA_ERROR|ERR_(?:BROTLI_)?_?ERROR)/.test(causeOf(error));

type Decoder = Transform & { readonly bytesWritten: number };

/** As much as a socket delivers at once. */
const options = { chunkSize: 64 * 1024 };

/**
 * RFC 9110 §8.4.1.2 means zlib's format (RFC 1950), but some send raw deflate data. A zlib stream's first byte has
 * method 8.
 */
const inflater = (first: number): Decoder =>
  (first & 0x0f) === 8 ? createInflate(options) : createInflateRaw(options);

/** The content codings that we ask for (RFC 9110 §8.4.1), and an older name of one. */
const decoders: ReadonlyMap<string, (first: number) => Decoder> = new Map([
  ['gzip', () => createGunzip(options)],
  ['x-gzip', () => createGunzip(options)],
  ['deflate', inflater],
  ['br', () => createBrotliDecompress(options)],
]);

/** The `Accept-Encoding` that {@link decodeBody} can decode. */
export const acceptEncoding = 'gzip, deflate, br';

const decodeWith = async function* (source: Readable, coding: string): AsyncGenerator<Uint8Array> {
  const makeDecoder = decoders.get(coding);
  if (makeDecoder === undefined) throw new UnusableAnswer('CONTENT_ENCODING');
  const chunks: AsyncIterator<Buffer> = source[Symbol.asyncIterator]();
  const first = await chunks.next();
  // An empty body is incomplete in every coding.
  if (first.done === true) throw new UnusableAnswer('CONTENT_ENCODING');
  const decoder = makeDecoder(first.value[0] ?? 0);
  let given = first.value.length;
  const encoded = async function* (): AsyncGenerator<Buffer> {
    yield first.value;
    for await (const chunk of { [Symbol.asyncIterator]: () => chunks }) {
      given += chunk.length;
      yield chunk;
    }
  };
  pipeline(encoded, decoder, () => undefined);
  try {
    yield* decoder;
  } finally {
    // A reader that stops must not wait for the payer's next byte.
    source.destroy();
  }
  // A decoder stops at the end of its format and ignores the rest, so a truncated answer with trailing bytes would look
  // complete.
  if (decoder.bytesWritten !== given) throw new UnusableAnswer('TRAILING_BYTES');
};

const codingOf = (contentEncoding: string | undefined): string => {
  const coding = contentEncoding?.trim().toLowerCase() ?? '';
  return coding === '' ? 'identity' : coding;
};

/** Whether a body can be decoded: at most one coding, and one that we asked for. */
export const isDecodable = (contentEncoding: string | undefined): boolean => {
  const coding = codingOf(contentEncoding);
  return coding === 'identity' || decoders.has(coding);
};

/**
 * Decodes a body. A body that ends too early, or continues after the coding's own end, throws.
 * @throws UnusableAnswer, zlib's errors, and the error that the source is destroyed with
 */
export const decodeBody = (source: Readable, contentEncoding: string | undefined): AsyncIterable<Uint8Array> => {
  const coding = codingOf(contentEncoding);
  return coding === 'identity' ? source : decodeWith(source, coding);
};
