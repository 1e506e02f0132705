import { createInterface } from 'node:readline/promises';
import { Writable, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { visibleText } from '../../config/checks/visible.ts';
import { Stopped } from './errors.ts';

/** Where a person types, and where questions go. */
export interface Console {
  readonly input: Readable;
  readonly output: Writable;
  /** @default whether the output is a terminal */
  readonly terminal?: boolean;
}

/** The question goes to stderr, so that it does not get into a pipe. */
const own = (): Console => ({ input: process.stdin, output: process.stderr });

/** @throws Stopped if the person ends the input, by ^C or ^D */
const lineFrom = async ({ input, output, terminal }: Console, question: string): Promise<string> => {
  const lines = createInterface({ input, output, ...(terminal === undefined ? {} : { terminal }) });
  try {
    return await new Promise((resolve, reject) => {
      // ^C closes, as ^D and the end of the input do.
      lines.on('SIGINT', () => lines.close());
      lines.on('close', () => reject(new Stopped()));
      void lines.question(question).then(resolve, reject);
    });
  } finally {
    lines.close();
  }
};

/** What a person types at a question. @throws Stopped at ^C and ^D */
export const askAt = async (at: Console, question: string): Promise<string> => {
  try {
    return (await lineFrom(at, visibleText(question))).trim();
  } catch (error) {
    if (error instanceof Stopped) at.output.write('\n');
    throw error;
  }
};

/** Asks a person at the terminal. @throws Stopped at ^C and ^D */
export const ask = (question: string): Promise<string> => askAt(own(), question);

/** Whether there is a person at the terminal to ask. */
export const canAsk = (): boolean => process.stdin.isTTY;

/** Reads everything that is piped in, without the line end that most commands print last. */
export const readText = async (): Promise<string> => (await text(process.stdin)).replace(/\r?\n$/, '');

/** What a person types without echo. @throws Stopped at ^C and ^D */
export const askSecretAt = async ({ input, output }: Console, question: string): Promise<string> => {
  output.write(visibleText(question));
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    return await lineFrom({ input, output: silent, terminal: true }, '');
  } finally {
    output.write('\n');
  }
};

/**
 * Reads a secret: typed at the terminal without echo, or everything that is piped in. It is never an argument, so that
 * it appears in no shell history and no process list.
 * @throws Stopped at ^C and ^D
 */
export const readSecret = (question: string): Promise<string> => (canAsk() ? askSecretAt(own(), question) : readText());
