import { reusedBlocks, type Blocks } from './age/blocks.ts';
import { makePageRoom, type PageRoom } from './reading/split-bundle.ts';

/**
 * Memory that an invocation uses for one page and one part after the other. V8 lets up to 64 MB of garbage outside its heap
 * pile up before it collects, which would be all of the growth that an export's job may have. What cannot be used again,
 * such as chunks from the network and from a cipher, is collected after each part.
 */
export interface Buffers {
  /** What parts are sealed in. */
  readonly blocks: Blocks;
  /** What pages are read in. */
  readonly pageRoom: PageRoom;
  readonly collectGarbage: () => void;
}

/** What nobody has written to yet takes no memory. Node has `gc` with `--expose-gc`, which the stack and Lambda set. */
export const usualBuffers = (): Buffers => ({
  blocks: reusedBlocks(),
  pageRoom: makePageRoom(),
  collectGarbage: () => globalThis.gc?.(),
});
