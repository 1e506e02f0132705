import { reusedBlocks, type Blocks } from './age/blocks.ts';
import { makePageRoom, type PageRoom } from './reading/split-bundle.ts';

/**
 * Memory that an invocation uses for one page and one part after the other. V8 lets up to 64 MB of garbage outside its heap
 * pile up before it collects, which would be all of the growth that an export's job may have.
 */
export interface Buffers {
  /** What parts are sealed in. */
  readonly blocks: Blocks;
  /** What pages are read in. */
  readonly pageRoom: PageRoom;
}

/** What nobody has written to yet takes no memory. */
export const usualBuffers = (): Buffers => ({ blocks: reusedBlocks(), pageRoom: makePageRoom() });
