import { pipeline, type Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';

/** An answer that breaks HTTP, or a rule of ours on top; the payer's own bytes are in no text. */
export class UnusableAnswer extends Error {
  override readonly name = 'UnusableAnswer';
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

type Decoder = Transform & { readonly bytesWritten: number };

/** As large as what a socket gives at once. */
const options = { chunkSize: 64 * 1024 };

/** RFC 9110 §8.4.1.2 means zlib's format (RFC 1950); some send bare deflate data. Zlib's first byte names the method, 8. */
const inflater = (first: number): Decoder =>
  (first & 0x0f) === 8 ? createInflate(options) : createInflateRaw(options);

/** The content codings that are asked for (RFC 9110 §8.4.1), and the older name of one. */
const decoders: Readonly<Record<string, (first: number) => Decoder>> = {
  gzip: () => createGunzip(options),
  'x-gzip': () => createGunzip(options),
  deflate: inflater,
  br: () => createBrotliDecompress(options),
};

/** What {@link decodeBody} takes for `Accept-Encoding`. */
export const acceptEncoding = 'gzip, deflate, br';

const decoded = async function* (source: Readable, coding: string): AsyncGenerator<Uint8Array> {
  const makeDecoder = decoders[coding];
  if (makeDecoder === undefined) throw new UnusableAnswer('CONTENT_ENCODING');
  const chunks: AsyncIterator<Buffer> = source[Symbol.asyncIterator]();
  const first = await chunks.next();
  // Without a byte no coding is whole.
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
    // A reader who leaves must not wait for the payer's next byte.
    source.destroy();
  }
  // A decoder ends with its format and ignores the rest: a cut answer with something behind it would look whole.
  if (decoder.bytesWritten !== given) throw new UnusableAnswer('TRAILING_BYTES');
};

const codingOf = (contentEncoding: string | undefined): string => {
  const coding = contentEncoding?.trim().toLowerCase() ?? '';
  return coding === '' ? 'identity' : coding;
};

/** Whether a body can be read: one coding at most, and one that was asked for. */
export const isDecodable = (contentEncoding: string | undefined): boolean => {
  const coding = codingOf(contentEncoding);
  return coding === 'identity' || coding in decoders;
};

/**
 * The bytes of a body without its content coding. They end as the body does: what ends too early, or goes on after the
 * coding's own end, throws.
 * @throws UnusableAnswer, errors of zlib, and what the source is destroyed with
 */
export const decodeBody = (source: Readable, contentEncoding: string | undefined): AsyncIterable<Uint8Array> => {
  const coding = codingOf(contentEncoding);
  return coding === 'identity' ? source : decoded(source, coding);
};
