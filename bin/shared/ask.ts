import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { visibleText } from '../../config/visible.ts';

/** Asks a person at the terminal. The question goes to stderr, so that it does not get into a pipe. */
export const ask = async (question: string): Promise<string> => {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await lines.question(visibleText(question))).trim();
  } finally {
    lines.close();
  }
};

/** Whether there is a person at the terminal to ask. */
export const canAsk = (): boolean => process.stdin.isTTY;

/** Reads everything that is piped in, without the line end that most commands print last. */
export const readText = async (): Promise<string> => (await text(process.stdin)).replace(/\r?\n$/, '');

/**
 * Reads a secret: typed at the terminal without echo, or everything that is piped in. It is never an argument, so that
 * it appears in no shell history and no process list.
 */
export const readSecret = async (question: string): Promise<string> => {
  if (!canAsk()) return readText();
  process.stderr.write(visibleText(question));
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await lines.question('');
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
};
