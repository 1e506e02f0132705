import { setTimeout as sleep } from 'node:timers/promises';
import type { PayerPace } from './options.ts';

/** Timers end late. What was lost to them is made up for, but for no more than this: a payer that waits saves nothing up. */
const lateMs = 20;

/** How a payer takes its time. Without a pace, it takes none. */
export const paceOf = (pace: PayerPace | undefined) => {
  /** When all that was sent so far is over the line. */
  let sentAt = 0;
  return {
    beforeAnswer: async (): Promise<void> => {
      if (pace !== undefined) await sleep(pace.latencyMs);
    },
    /** The same chunks, each no earlier than the line has room for it. */
    send: async function* (this: void, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of chunks) {
        if (pace !== undefined) {
          const now = performance.now();
          sentAt = Math.max(sentAt, now - lateMs) + (chunk.length / pace.bytesPerSecond) * 1000;
          if (sentAt > now) await sleep(sentAt - now);
        }
        yield chunk;
      }
    },
  };
};

export type Pace = ReturnType<typeof paceOf>;
