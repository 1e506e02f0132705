/** Memory that files are sealed into, one after the other. */
export interface Blocks {
  /** A block that nobody uses. */
  readonly take: () => Buffer;
  /**
   * The first bytes of blocks in one piece. The blocks are free again.
   * @returns memory that the next calls overwrite
   */
  readonly join: (blocks: readonly Buffer[], bytes: number) => Buffer;
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
  let joined = Buffer.alloc(0);
  return {
    take: () => {
      const first = Math.min(...free);
      if (!free.delete(first)) return Buffer.allocUnsafeSlow(blockBytes);
      return arena.subarray(first * blockBytes, (first + 1) * blockBytes);
    },
    join: (blocks, bytes) => {
      const [first = Buffer.alloc(0)] = blocks;
      const inOnePiece = blocks.every((block, at) => isInArena(block) && startOf(block) === startOf(first) + at);
      blocks.filter(isInArena).forEach((block) => free.add(startOf(block)));
      if (inOnePiece) return arena.subarray(first.byteOffset, first.byteOffset + bytes);
      if (joined.length < bytes) joined = Buffer.allocUnsafeSlow(Math.ceil(bytes / blockBytes) * blockBytes);
      blocks.forEach((block, at) => joined.set(block.subarray(0, bytes - at * blockBytes), at * blockBytes));
      return joined.subarray(0, bytes);
    },
  };
};
