import { reusedBlocks } from '../../functions/export-job/age/blocks.ts';
import type { Buffers } from '../../functions/export-job/job/buffers.ts';
import { makePageRoom } from '../../functions/export-job/reading/split-bundle.ts';

/**
 * Buffers for resources of at most a megabyte. Where many jobs run in one process, V8 collects its whole heap for every three
 * of the usual size.
 */
export const smallBuffers = (): Buffers => ({
  blocks: reusedBlocks(4),
  pageRoom: makePageRoom(1_000_000),
  collectGarbage: () => undefined,
});
