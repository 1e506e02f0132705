import { createHash, randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { Decrypter } from 'age-encryption';
import { blockBytes, reusedBlocks, type Blocks } from '../../../functions/export-job/age/blocks.ts';
import { sealFile } from '../../../functions/export-job/age/seal-file.ts';
import { joinFiles } from '../../../functions/export-job/end/join-files.ts';
import { executionName } from '../../../functions/export-job/job/job-input.ts';
import { partWriter } from '../../../functions/export-job/job/parts.ts';
import { uuidOf } from '../../../functions/export-job/leg/leg.ts';
import { makeExportId } from '../../../functions/shared/exports/export-id.ts';
import { exportKeyObject, exportPublicKey } from '../../../functions/shared/exports/sealing-key.ts';

const privateKey = randomBytes(32);
const recipient = exportPublicKey(privateKey);

/** Opens a file with the age library. */
const openWithLibrary = async (key: Uint8Array, sealed: Uint8Array): Promise<Buffer> => {
  const decrypter = new Decrypter();
  const pkcs8 = Uint8Array.from(exportKeyObject(key).export({ format: 'der', type: 'pkcs8' }));
  decrypter.addIdentity(await crypto.subtle.importKey('pkcs8', pkcs8, { name: 'X25519' }, false, ['deriveBits']));
  return Buffer.from(await decrypter.decrypt(sealed));
};

describe('a sealed file', () => {
  const chunk = 64 * 1024;

  /** Seals bytes that are written in pieces of a size. The same random values make the same file. */
  const sealed = (plain: Buffer, size: number, random = randomBytes): Buffer => {
    const file = sealFile(recipient, random, reusedBlocks(8));
    for (let at = 0; at < plain.length; at += size) file.write(plain.subarray(at, at + size));
    return file.end();
  };

  // The last one has more chunks than one byte of the nonce counts.
  it.each([0, 1, chunk - 1, chunk, chunk + 1, 3 * chunk, 3 * chunk + 17, 257 * chunk + 1])(
    'of %i bytes opens with the library of age, however it was written',
    async (length) => {
      const plain = randomBytes(length);
      const values = new Map([16, 32].map((size) => [size, randomBytes(size)]));
      const [whole, ...others] = [length + 1, chunk, 977].map((size) => sealed(plain, size, (n) => values.get(n)!));

      expect((await openWithLibrary(privateKey, whole!)).equals(plain)).toBe(true);
      expect(others.map((other) => other.equals(whole!))).toEqual([true, true]);
    },
  );

  it('does not open with another key', async () => {
    await expect(openWithLibrary(randomBytes(32), sealed(Buffer.from('a line\n'), chunk))).rejects.toThrow();
  });

  it('is not sealed to a public key of low order, for which everyone knows the secret', () => {
    expect(() => sealFile(new Uint8Array(32), randomBytes, reusedBlocks())).toThrow();
  });

  it('holds nothing that an equal file holds, except the format’s own words', () => {
    const [one, other] = [0, 1].map(() => sealed(Buffer.alloc(100), chunk));
    expect(one!.subarray(0, 32)).toEqual(other!.subarray(0, 32));
    expect(one!.subarray(-116)).not.toEqual(other!.subarray(-116));
  });
});

describe('the memory that files are sealed in', () => {
  /** Writes bytes into blocks, as a file does. */
  const writer = (blocks: Blocks) => {
    const taken: Buffer[] = [];
    let bytes = 0;
    return {
      write: (piece: Buffer) => {
        for (let from = 0; from < piece.length;) {
          const used = bytes % blockBytes;
          if (used === 0) taken.push(blocks.take());
          const copied = piece.copy(taken.at(-1)!, used, from);
          bytes += copied;
          from += copied;
        }
      },
      join: () => blocks.join(taken, bytes),
      free: (joined: Buffer) => blocks.free(taken, joined),
    };
  };

  it.each([0, 1, blockBytes - 1, blockBytes, blockBytes + 1, 5 * blockBytes + 7])(
    'gives one file of %s bytes in one piece',
    (size) => {
      const plain = randomBytes(size);
      const blocks = reusedBlocks();
      for (let time = 0; time < 3; time += 1) {
        const file = writer(blocks);
        file.write(plain);
        const joined = file.join();
        expect(joined.equals(plain)).toBe(true);
        file.free(joined);
      }
    },
  );

  it('is not copied if the blocks of a file follow each other', () => {
    const blocks = reusedBlocks();
    const taken = [blocks.take(), blocks.take()];
    const joined = blocks.join(taken, blockBytes + 1);
    expect([joined.buffer, joined.byteOffset]).toEqual([taken[0]!.buffer, taken[0]!.byteOffset]);
  });

  it('keeps the bytes of files that are written in turns, each until it is freed', () => {
    const blocks = reusedBlocks();
    const plains = Array.from({ length: 5 }, (_, at) => randomBytes(2 * blockBytes + at * 1000));
    const files = plains.map(() => writer(blocks));
    for (let from = 0; from < 3 * blockBytes; from += blockBytes) {
      files.forEach((file, at) => file.write(plains[at]!.subarray(from, from + blockBytes)));
    }
    const joined = files.map((file) => file.join());
    expect(joined.map((whole, at) => whole.equals(plains[at]!))).toEqual(plains.map(() => true));
    files[0]!.free(joined[0]!);
    writer(blocks).write(randomBytes(20 * blockBytes));
    expect(joined.slice(1).map((whole, at) => whole.equals(plains[at + 1]!))).toEqual([true, true, true, true]);
  });

  it('is the same for one leg after the other', () => {
    const blocks = reusedBlocks();
    const leg = () => {
      const taken = Array.from({ length: 30 }, () => blocks.take());
      blocks.free(taken, blocks.join(taken, 30 * blockBytes));
      return taken.map(({ byteOffset }) => byteOffset);
    };
    expect(leg()).toEqual(leg());
  });

  it('grows for a file of more than 20 MB, and what was added is not handed out again', () => {
    const blocks = reusedBlocks();
    const file = writer(blocks);
    const plain = Buffer.alloc(81 * blockBytes + 3, 'record');
    file.write(plain);
    const joined = file.join();
    expect(joined.equals(plain)).toBe(true);
    file.free(joined);
    const buffers = new Set(Array.from({ length: 80 }, () => blocks.take().buffer));
    expect(buffers.size).toBe(1);
  });
});

describe('the parts of a leg', () => {
  const megabyte = Buffer.alloc(1024 * 1024, '\n');

  const writing = (before: () => Promise<void> = () => Promise.resolve()) => {
    const objects = new Map<string, Buffer>();
    let collected = 0;
    const store = {
      put: async (name: string, body: Uint8Array) => {
        await before();
        objects.set(name, Buffer.from(body));
      },
      get: () => Promise.reject(new Error('a leg reads no part')),
    };
    const buffers = {
      blocks: reusedBlocks(),
      pageRoom: undefined as never,
      collectGarbage: () => void (collected += 1),
    };
    const parts = partWriter({ objects: store, randomBytes }, 'export', recipient, buffers);
    return { parts, objects, collected: () => collected };
  };

  it('are put before the page ends once all of them together hold more than 9 MB', async () => {
    const { parts, objects, collected } = writing();
    for (let at = 0; at < 9; at += 1) parts.add(at % 2 === 0 ? 'Claim' : 'Coverage', [megabyte]);
    await parts.putIfLarge();
    expect([objects.size, collected()]).toEqual([0, 0]);

    parts.add('Claim', [Buffer.from('\n')]);
    await parts.putIfLarge();
    expect([objects.size, collected()]).toEqual([2, 1]);

    parts.add('Claim', [megabyte]);
    await parts.putIfLarge();
    expect(objects.size).toBe(2);
  });

  it('take lines while those before them are on their way to the bucket, but hold no more than twice 9 MB', async () => {
    const { promise: isThere, resolve: arrive } = Promise.withResolvers<void>();
    const { parts, objects } = writing(() => isThere);
    const plain = randomBytes(10 * megabyte.length);
    parts.add('Claim', [plain]);
    await parts.putBehind();
    parts.add('Claim', [plain]);
    let waits = true;
    const second = parts.putBehind().finally(() => void (waits = false));
    await setImmediate();
    expect([waits, objects.size]).toEqual([true, 0]);

    arrive();
    await second;
    const written = await parts.put();
    const opened = await Promise.all(written.map(({ object }) => openWithLibrary(privateKey, objects.get(object)!)));
    expect(opened.map((one) => one.equals(plain))).toEqual([true, true]);
  });

  it('fail with the error of the bucket, though lines came after', async () => {
    const { parts } = writing(() => Promise.reject(new Error('no bucket')));
    parts.add('Claim', [Buffer.alloc(10 * megabyte.length)]);
    await parts.putBehind();
    await setImmediate();
    parts.add('Claim', [Buffer.from('{}\n')]);
    await expect(parts.put()).rejects.toThrow('no bucket');
  });

  it('have their lines, bytes and digests counted, over all that were put', async () => {
    const { parts, objects } = writing();
    parts.add('Claim', [Buffer.from('{"a":'), Buffer.from('1}\n')]);
    parts.add('Coverage', [Buffer.from('{}\n')]);
    parts.add('Claim', [Buffer.from('{}\n')]);
    const first = await parts.put();
    const [claims] = first;
    const digest = createHash('sha256').update(objects.get(claims!.object)!).digest('base64url');
    parts.add('Claim', [Buffer.from('{}\n')]);

    expect(first.map(({ type, bytes, count }) => [type, bytes, count])).toEqual([
      ['Claim', 11, 2],
      ['Coverage', 3, 1],
    ]);
    expect(claims!.digest).toBe(digest);
    expect((await openWithLibrary(privateKey, objects.get(claims!.object)!)).toString()).toBe('{"a":1}\n{}\n');
    expect((await parts.put()).map(({ type, count }) => [type, count])).toEqual([
      ['Claim', 2],
      ['Coverage', 1],
      ['Claim', 1],
    ]);
    expect(parts.bytes()).toBe(17);
  });
});

describe('the files of a manifest', () => {
  const part = (type: string, object: string, bytes: number) => ({
    type,
    object,
    digest: `d-${object}`,
    bytes,
    count: 2,
  });

  it('are runs of one type, none larger than may be streamed', () => {
    const parts = [
      part('Observation', 'a', 60),
      part('Patient', 'b', 10),
      part('Observation', 'c', 40),
      part('Observation', 'd', 1),
      part('Observation', 'e', 99),
      part('Observation', 'f', 1),
    ];

    const files = joinFiles(parts, 'output', 100);

    expect(
      files.map(({ name, type, count, parts: joined }) => [name, type, count, joined.map(({ object }) => object)]),
    ).toEqual([
      ['Observation-1.ndjson', 'Observation', 4, ['a', 'c']],
      ['Observation-2.ndjson', 'Observation', 4, ['d', 'e']],
      ['Observation-3.ndjson', 'Observation', 2, ['f']],
      ['Patient-1.ndjson', 'Patient', 2, ['b']],
    ]);
    expect(files[0]!.parts[0]).toEqual({ object: 'a', digest: 'd-a', bytes: 60 });
  });

  it('have 150 MB at most, since AWS streams no answer of more than 200 MB', () => {
    const half = 75 * 1024 * 1024;
    expect(2 * half).toBeLessThan(200e6);
    expect(joinFiles([part('Binary', 'a', half), part('Binary', 'b', half)], 'output')).toHaveLength(1);
    expect(joinFiles([part('Binary', 'a', half), part('Binary', 'b', half + 1)], 'output')).toHaveLength(2);
  });

  it('have a part alone that is larger than the limit', () => {
    expect(joinFiles([part('Binary', 'a', 500), part('Binary', 'b', 5)], 'output', 100)).toHaveLength(2);
  });

  it('of errors have names that say so', () => {
    expect(joinFiles([part('OperationOutcome', 'a', 5)], 'error')[0]?.name).toBe('errors-1.ndjson');
  });
});

describe('the names', () => {
  it('of executions fit into 64 characters and differ for each', () => {
    const exportId = makeExportId('g'.repeat(22), randomBytes(16));
    expect([executionName(exportId, 1), executionName(exportId, 12)]).toEqual([exportId, `${exportId}-12`]);
    expect(executionName(exportId, 9999).length).toBeLessThanOrEqual(64);
  });

  it('of legs are UUIDs of version 4', () => {
    for (const byte of [0, 255]) {
      expect(uuidOf(Buffer.alloc(16, byte))).toMatch(
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      );
    }
    expect(uuidOf(Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex'))).toBe('00010203-0405-4607-8809-0a0b0c0d0e0f');
  });
});
