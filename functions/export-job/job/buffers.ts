import { reusedBlocks, type Blocks } from '../age/blocks.ts';
import { makePageRoom, type PageRoom } from '../reading/split-bundle.ts';

/**
 * Memory that an invocation reuses for each page and each part. V8 lets up to 64 MB of garbage outside its heap pile up
 * before it collects, and an export's job may not grow by more than that in all. Memory that cannot be reused, such as
 * chunks from the network and from a cipher, is collected after each part.
 */
export interface Buffers {
  /** Holds the parts that are being sealed. */
  readonly blocks: Blocks;
  /** Holds the page that is being read. */
  readonly pageRoom: PageRoom;
  readonly collectGarbage: () => void;
}

/** A buffer takes memory only once it is written to. `gc` exists if Node runs with `--expose-gc`, as the stack has it. */
export const usualBuffers = (): Buffers => ({
  blocks: reusedBlocks(),
  pageRoom: makePageRoom(),
  collectGarbage: () => globalThis.gc?.(),
});
