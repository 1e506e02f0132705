import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { acceptEncoding, decodeBody, isDecodable } from '../../../../functions/shared/payer/decode-body.ts';

const text = JSON.stringify({ resourceType: 'Bundle', entry: Array.from({ length: 300 }, (_, id) => ({ id })) });

/** Decodes a body that arrives in pieces of this size. */
const decoded = async (bytes: Uint8Array, coding: string | undefined, pieceBytes = Infinity): Promise<string> => {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes));
  return (await buffer(decodeBody(Readable.from(pieces, { objectMode: false }), coding))).toString();
};

const codings: readonly (readonly [coding: string, encode: (text: string) => Buffer])[] = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
];
const isAskedFor = (coding: string): boolean => acceptEncoding.split(', ').includes(coding);

describe('a body', () => {
  it.each(codings)('in %s is decoded, however it arrives', async (coding, encode) => {
    for (const pieceBytes of [1, 7, 100, Infinity]) {
      expect(await decoded(encode(text), coding, pieceBytes)).toBe(text);
    }
  });

  it('in deflate is decoded too if it lacks zlib’s frame, as some send it', async () => {
    for (const level of [0, 1, 9]) {
      expect(await decoded(deflateRawSync(text, { level }), 'deflate', 5)).toBe(text);
      expect(await decoded(deflateSync(text, { level }), 'deflate', 5)).toBe(text);
    }
  });

  it.each([undefined, '', ' ', 'identity', ' Identity '])(
    'without a coding (%j) is passed on as it is',
    async (coding) => {
      expect(await decoded(Buffer.from(text), coding, 10)).toBe(text);
      expect(await decoded(Buffer.alloc(0), coding)).toBe('');
    },
  );

  it.each([' gzip', 'GZIP', 'gzip '])('may have its coding named %j', async (coding) => {
    expect(await decoded(gzipSync(text), coding)).toBe(text);
  });

  it.each(codings)('in %s that ends early is refused, not taken for whole', async (coding, encode) => {
    const bytes = encode(text);
    for (const length of [1, 12, bytes.length - 1]) {
      await expect(decoded(bytes.subarray(0, length), coding)).rejects.toMatchObject({
        code: expect.stringMatching(/^(?:Z_BUF_ERROR|ERR_)/) as string,
      });
    }
  });

  it.each(codings)('in %s that is empty is refused', async (coding) => {
    await expect(decoded(Buffer.alloc(0), coding)).rejects.toMatchObject({
      name: 'UnusableAnswer',
      code: 'CONTENT_ENCODING',
    });
  });

  it.each(codings)('in %s with bytes behind its end is refused', async (coding, encode) => {
    const bytes = Buffer.concat([encode(text), Buffer.from('more')]);
    // After gzip's end zlib expects another member, so it may report the error first.
    const code = coding.endsWith('gzip') ? /^(?:TRAILING_BYTES|Z_DATA_ERROR)$/ : /^TRAILING_BYTES$/;
    for (const pieceBytes of [bytes.length - 4, Infinity]) {
      await expect(decoded(bytes, coding, pieceBytes)).rejects.toMatchObject({
        code: expect.stringMatching(code) as string,
      });
    }
  });

  it('in another coding is refused, whatever JavaScript calls its own things', async () => {
    for (const coding of ['zstd', 'gzip, br', 'constructor', 'toString', '__proto__']) {
      await expect(decoded(Buffer.from(text), coding)).rejects.toMatchObject({
        name: 'UnusableAnswer',
        code: 'CONTENT_ENCODING',
        message: 'CONTENT_ENCODING',
      });
    }
  });

  it.each(codings)('in %s whose reader stops is not waited for', async (coding, encode) => {
    const source = new Readable({ read: () => undefined });
    const bytes = encode(text);
    source.push(bytes.subarray(0, bytes.length - 3));
    for await (const piece of decodeBody(source, coding)) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }

    expect(source.destroyed).toBe(true);
  });
});

describe('what is said of a coding before its body is read', () => {
  it.each([...codings.map(([coding]) => coding), ' GZip ', 'identity', '', undefined])(
    '%j can be decoded',
    (coding) => {
      expect(isDecodable(coding)).toBe(true);
    },
  );

  it.each(['zstd', 'compress', 'gzip, br', 'gzip gzip', '*', 'constructor', 'toString', '__proto__'])(
    '%j cannot',
    (coding) => {
      expect(isDecodable(coding)).toBe(false);
    },
  );

  it('is that each coding that we ask for can be decoded', () => {
    expect(codings.map(([coding]) => coding).filter(isAskedFor)).toEqual(acceptEncoding.split(', '));
  });
});
