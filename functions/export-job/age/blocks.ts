/** Memory that files are sealed into, one after the other. */
export interface Blocks {
  /** A block that nobody uses. */
  readonly take: () => Buffer;
  /** The first bytes of blocks in one piece, which stays until it is freed. */
  readonly join: (blocks: readonly Buffer[], bytes: number) => Buffer;
  /** Takes blocks back, and what they were joined to. The next calls overwrite both. */
  readonly free: (blocks: readonly Buffer[], joined: Buffer) => void;
}

export const blockBytes = 256 * 1024;

/** How many blocks a leg that reads one type needs. */
const usualBlocks = 80;

/**
 * Reuses its memory. Blocks that were taken in a row lie next to each other, so a leg that reads only one type needs no copy
 * to join them.
 * @param arenaBlocks how many blocks are kept
 */
export const reusedBlocks = (arenaBlocks = usualBlocks): Blocks => {
  const arena = Buffer.allocUnsafeSlow(arenaBlocks * blockBytes);
  const startOf = (block: Buffer): number => block.byteOffset / blockBytes;
  const isInArena = (block: Buffer): boolean => block.buffer === arena.buffer;
  const free = new Set(Array.from({ length: arenaBlocks }, (_, at) => at));
  /** Memory to join blocks in, unless that is in use. */
  let spare: Buffer = Buffer.alloc(0);
  return {
    take: () => {
      const first = Math.min(...free);
      if (!free.delete(first)) return Buffer.allocUnsafeSlow(blockBytes);
      return arena.subarray(first * blockBytes, (first + 1) * blockBytes);
    },
    join: (blocks, bytes) => {
      const [first = Buffer.alloc(0)] = blocks;
      const inOnePiece = blocks.every((block, at) => isInArena(block) && startOf(block) === startOf(first) + at);
      if (inOnePiece) return arena.subarray(first.byteOffset, first.byteOffset + bytes);
      const room = spare.length < bytes ? Buffer.allocUnsafeSlow(Math.ceil(bytes / blockBytes) * blockBytes) : spare;
      spare = Buffer.alloc(0);
      blocks.forEach((block, at) => room.set(block.subarray(0, bytes - at * blockBytes), at * blockBytes));
      return room.subarray(0, bytes);
    },
    free: (blocks, joined) => {
      blocks.filter(isInArena).forEach((block) => free.add(startOf(block)));
      if (!isInArena(joined)) spare = Buffer.from(joined.buffer);
    },
  };
};
