import { randomBytes } from 'node:crypto';
import { blockBytes, reusedBlocks, type Blocks } from '../../../functions/export-job/age/blocks.ts';

/** Writes bytes into blocks one by one, as a file does. */
const writer = (blocks: Blocks) => {
  const taken: Buffer[] = [];
  let bytes = 0;
  return {
    write: (piece: Buffer) => {
      for (const byte of piece) {
        if (bytes % blockBytes === 0) taken.push(blocks.take());
        taken.at(-1)![bytes % blockBytes] = byte;
        bytes += 1;
      }
    },
    join: () => blocks.join(taken, bytes),
  };
};

const sizes = [0, 1, blockBytes - 1, blockBytes, blockBytes + 1, 5 * blockBytes + 7];

it.each(sizes)('one file of %s bytes comes in one piece', (size) => {
  const plain = randomBytes(size);
  const blocks = reusedBlocks();
  for (let time = 0; time < 3; time += 1) {
    const file = writer(blocks);
    file.write(plain);
    expect(file.join().equals(plain)).toBe(true);
  }
});

it('a file whose blocks follow each other is not copied', () => {
  const blocks = reusedBlocks();
  const taken = [blocks.take(), blocks.take()];
  const joined = blocks.join(taken, blockBytes + 1);
  expect([joined.buffer, joined.byteOffset]).toEqual([taken[0]!.buffer, taken[0]!.byteOffset]);
});

it('files that are written in turns keep their own bytes, each until the next is joined', () => {
  const blocks = reusedBlocks();
  const plains = Array.from({ length: 5 }, (_, at) => randomBytes(2 * blockBytes + at * 1000));
  const files = plains.map(() => writer(blocks));
  for (let from = 0; from < 3 * blockBytes; from += blockBytes) {
    files.forEach((file, at) => file.write(plains[at]!.subarray(from, from + blockBytes)));
  }
  files.forEach((file, at) => expect(file.join().equals(plains[at]!)).toBe(true));
});

it('one leg after the other takes the same memory', () => {
  const blocks = reusedBlocks();
  const leg = () => {
    const taken = Array.from({ length: 30 }, () => blocks.take());
    blocks.join(taken, 30 * blockBytes);
    return taken.map(({ byteOffset }) => byteOffset);
  };
  expect(leg()).toEqual(leg());
});

it('more than is kept comes whole too, and what was not kept is not handed out again', () => {
  const blocks = reusedBlocks();
  const file = writer(blocks);
  const plain = Buffer.alloc(81 * blockBytes + 3, 'record');
  file.write(plain);
  expect(file.join().equals(plain)).toBe(true);
  const buffers = new Set(Array.from({ length: 80 }, () => blocks.take().buffer));
  expect(buffers.size).toBe(1);
});
