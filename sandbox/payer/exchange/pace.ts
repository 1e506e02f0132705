import { setTimeout as sleep } from 'node:timers/promises';
import type { PayerPace } from './options.ts';

/** Timers fire late. This much lost time may be made up for, and no more: time without requests does not count. */
const lateMs = 20;

/** Slows a payer's answers down. Without a pace, it does nothing. */
export const paceOf = (pace: PayerPace | undefined) => {
  /** When all that was sent so far has been transmitted. */
  let sentAt = 0;
  return {
    beforeAnswer: async (): Promise<void> => {
      if (pace !== undefined) await sleep(pace.latencyMs);
    },
    /** The same chunks, each delayed until the connection has room for it. */
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
