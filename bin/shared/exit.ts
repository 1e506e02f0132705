import type { Writable } from 'node:stream';

const streams: readonly Writable[] = [process.stdout, process.stderr];

/** Resolves when the reader has taken all that was written, or has left. */
const untilRead = (stream: Writable): Promise<void> =>
  new Promise((resolve) => {
    // The callback has an error if the reader has left.
    stream.write('', () => resolve());
  });

/**
 * From here on, a reader that leaves early, such as `head`, does not end the process: what a tool was asked to do
 * must not depend on who reads its output.
 */
export const outliveReaders = (): void => {
  for (const stream of streams) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
};

/**
 * Ends the process once its output has been read. `process.exit` alone drops what a pipe has not taken yet, which is everything after
 * the first 64 KB (https://nodejs.org/api/process.html#processexitcode).
 */
export const exit = async (code: number): Promise<never> => {
  await Promise.all(streams.map(untilRead));
  process.exit(code);
};
