import type { Writable } from 'node:stream';

const streams: readonly Writable[] = [process.stdout, process.stderr];

/** Resolves when the reader has taken all that was written, or has left. */
const untilRead = (stream: Writable): Promise<void> =>
  new Promise((resolve) => {
    // The callback has an error if the reader has left.
    stream.write('', () => resolve());
  });

let lost: string | undefined;

/** Notes that some output was lost. @param cause such as `ENOSPC` */
export const loseOutput = (cause: string): void => void (lost ??= cause);

/** A short name for an error of a stream, such as `ENOSPC`. */
export const causeOfLoss = ({ code, name }: NodeJS.ErrnoException): string => code ?? name;

/**
 * From here on, no failure of its output ends the process: neither a reader that leaves early, such as `head`, nor a full disk.
 * What a tool was asked to do must not depend on where its output goes.
 */
export const outliveReaders = (): void => {
  for (const stream of streams) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') loseOutput(causeOfLoss(error));
    });
  }
};

/** EX_IOERR of sysexits.h: output could not be written. */
const outputLost = 74;

/**
 * Ends the process once its output has been read. `process.exit` alone drops what a pipe has not taken yet, which is everything after
 * the first 64 KB (https://nodejs.org/api/process.html#processexitcode). If output was lost, it says so, and a success becomes 74.
 */
export const exit = async (code: number): Promise<never> => {
  await Promise.all(streams.map(untilRead));
  if (lost === undefined) process.exit(code);
  const done = code === 0 ? 'The command was carried out, but its' : 'Its';
  process.stderr.write(`${done} output could not be written (${lost}), and was lost.\n`);
  await untilRead(process.stderr);
  process.exit(code === 0 ? outputLost : code);
};
